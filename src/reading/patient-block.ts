import { type DicomDataset, type PersonName, text, values } from '../dicom/dataset.ts';

/** Whose film it is, for people who may see it; null where the header does not tell. */
export interface PatientBlock {
  /** Family name first, components apart by commas. */
  readonly name: string | null;
  readonly id: string | null;
  /** DICOM dates: YYYYMMDD. */
  readonly birthDate: string | null;
  readonly sex: string | null;
  readonly accession: string | null;
  readonly studyDate: string | null;
}

/** Longest text that is kept of each. */
const LONGEST = 128;

/** The patient block of a film's header (PS3.3 C.7.1.1, C.7.2.1). */
export function patientBlock(dataset: DicomDataset): PatientBlock {
  const short = (tag: string) => text(dataset, tag)?.slice(0, LONGEST) ?? null;
  return {
    name: nameIn(dataset),
    id: short('00100020'),
    birthDate: short('00100030'),
    sex: short('00100040'),
    accession: short('00080050'),
    studyDate: short('00080020'),
  };
}

function nameIn(dataset: DicomDataset): string | null {
  const [value] = values(dataset, '00100010');
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return null;
  const { Alphabetic, Ideographic, Phonetic } = value as PersonName;
  const group = [Alphabetic, Ideographic, Phonetic].find((each) => (each ?? '').replace(/[\^ ]/g, '') !== '');
  const parts = (group ?? '').split('^').map((part) => part.trim());
  const name = parts.filter((part) => part !== '').join(', ');
  return name === '' ? null : name.slice(0, LONGEST);
}
