import { CHARSETS } from '../../hl7/charset.ts';

/** An HL7 v2 message for people to read. */
export interface OruText {
  /** One line a segment, as sent. */
  readonly segments: readonly string[];
  /** Whether fields were covered. */
  readonly covered: boolean;
}

const COVER = '•••';

/**
 * Fields of our ORU^R01 that tell nothing of the patient, the order or a person, by segment (HL7 counts from
 * 1; MSH is shown whole). Everything else is covered where patients may not be shown.
 */
const HARMLESS: Readonly<Record<string, readonly number[]>> = {
  PID: [1],
  PV1: [1, 2],
  ORC: [1, 5],
  OBR: [1, 4, 7, 22, 24, 25, 27],
};
const WHOLE = ['MSH', 'TQ1', 'OBX'];

/** @param shows whether fields that tell who the patient is are shown */
export function oruText(bytes: Uint8Array, shows: { readonly patient: boolean }): OruText {
  const lines = decoded(bytes)
    .split(/\r\n|\r|\n/)
    .filter((line) => line !== '');
  if (shows.patient) return { segments: lines, covered: false };
  const segments = lines.map(uncoveredFields);
  return { segments, covered: segments.some((line) => line.includes(COVER)) };
}

function uncoveredFields(line: string): string {
  const [name = '', ...fields] = line.split('|');
  if (WHOLE.includes(name)) return line;
  const harmless = HARMLESS[name] ?? [];
  const shown = fields.map((field, index) => (field === '' || harmless.includes(index + 1) ? field : COVER));
  return [name, ...shown].join('|');
}

/** The text by the character set that MSH-18 names, which itself is ASCII in all of them. */
function decoded(bytes: Uint8Array): string {
  const header = new TextDecoder('latin1').decode(bytes.subarray(0, 1000)).split(/[\r\n]/, 1)[0] ?? '';
  const named = header.split('|')[17] ?? '';
  const charset = Object.entries(CHARSETS).find(([, name]) => name === named)?.[0] ?? 'UTF-8';
  return new TextDecoder(charset === 'US-ASCII' ? 'UTF-8' : charset).decode(bytes);
}
