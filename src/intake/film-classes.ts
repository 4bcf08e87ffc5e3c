import { type DicomDataset, text, texts } from '../dicom/dataset.ts';
import type { SelectRules } from '../dicom/film/select-rules.ts';

const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';

/** The rules that decide before a film was opened. */
export type IntakeRules = Pick<SelectRules, 'sopClasses' | 'modalities' | 'secondaryCapture'>;

/** What intake knows of an instance before its file was opened. */
export interface InstanceSketch {
  readonly sopClassUid?: string | undefined;
  readonly modality?: string | undefined;
  /** Header as far as a query told it. */
  readonly dataset?: DicomDataset;
}

/**
 * Whether an instance may be a film that is read: CR, DX for presentation, and on request Secondary Capture
 * that says Modality CR or DX. Everything else is remembered and starts nothing: our own reports (SR) and
 * heat maps (Secondary Capture, Modality OT, Image Type HEATMAP) are of that kind.
 */
export function instanceRole(
  { sopClassUid, modality, dataset = {} }: InstanceSketch,
  rules: IntakeRules,
): 'film' | 'other' {
  if (texts(dataset, '00080008').includes('HEATMAP')) return 'other';
  const said = modality ?? text(dataset, '00080060');
  const filmModality = said !== undefined && rules.modalities.includes(said);
  // A server that leaves the SOP class out: the modality decides, the opened file has the last word.
  if (sopClassUid === undefined) return filmModality ? 'film' : 'other';
  if (rules.sopClasses.includes(sopClassUid)) return 'film';
  return sopClassUid === SECONDARY_CAPTURE && rules.secondaryCapture && filmModality ? 'film' : 'other';
}

/** SOP classes that the STOW-RS receiver takes. */
export function isReceivedClass(sopClassUid: string, rules: IntakeRules): boolean {
  return (
    rules.sopClasses.includes(sopClassUid) || (rules.secondaryCapture && sopClassUid === SECONDARY_CAPTURE)
  );
}
