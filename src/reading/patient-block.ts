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
/** Marks of direction (Unicode UAX 9): an override in a name would turn round the digits of the ID that stands behind it. */
const DIRECTIONS = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu;

/** The patient block of a film's header (PS3.3 C.7.1.1, C.7.2.1). */
export function patientBlock(dataset: DicomDataset): PatientBlock {
  const short = (tag: string) => shown(text(dataset, tag) ?? '');
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
  return shown(name);
}

/** As a person may see it: no control characters and nothing that turns other text round; null when nothing is left. */
function shown(value: string): string | null {
  const head = value
    .slice(0, 2 * LONGEST)
    .replace(DIRECTIONS, '')
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return head === '' ? null : head.slice(0, LONGEST).toWellFormed();
}
