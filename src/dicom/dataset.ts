/**
 * A DICOM dataset in memory, the shape of the DICOM JSON model (PS3.18 F.2): keys are tags as eight
 * upper-case hex digits, text is already decoded to JavaScript strings. It is what the Part 10 reader gives,
 * what QIDO-RS and WADO-RS metadata hold, and what the report builders make.
 */
export interface DicomDataset {
  [tag: string]: DicomElement;
}

/** One attribute. No `Value` means present but empty. */
export interface DicomElement {
  vr: string;
  Value?: DicomValue[];
}

/**
 * A value by VR: PN is a `PersonName`, SQ a nested dataset, OB/OW/UN bytes, AT eight hex digits, binary
 * numbers are numbers; DS and IS are strings as written (numbers where they came as DICOM JSON).
 * `null` is an empty value among several.
 */
export type DicomValue = string | number | PersonName | DicomDataset | Uint8Array | null;

/** The component groups of a PN value (PS3.5 6.2.1.1). */
export interface PersonName {
  Alphabetic?: string;
  Ideographic?: string;
  Phonetic?: string;
}

/** The values of an attribute, or none. */
export function values(dataset: DicomDataset, tag: string): readonly DicomValue[] {
  return dataset[tag]?.Value ?? [];
}

/** The first value as trimmed text; undefined when absent, empty or not text or a number. */
export function text(dataset: DicomDataset, tag: string): string | undefined {
  const [value] = values(dataset, tag);
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  const trimmed = value.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** All values as trimmed text; values that are not text or numbers are left out. */
export function texts(dataset: DicomDataset, tag: string): string[] {
  const found: string[] = [];
  for (const value of values(dataset, tag)) {
    if (typeof value === 'number') found.push(String(value));
    else if (typeof value === 'string') found.push(value.trim());
  }
  return found;
}

/**
 * All values as finite numbers. Tolerates what archives hold: blanks round a DS, a decimal comma; anything
 * else that is not a number is left out.
 */
export function numbers(dataset: DicomDataset, tag: string): number[] {
  const found: number[] = [];
  for (const value of values(dataset, tag)) {
    const number =
      typeof value === 'number'
        ? value
        : typeof value === 'string' && value.trim() !== ''
          ? Number(value.trim().replace(',', '.'))
          : Number.NaN;
    if (Number.isFinite(number)) found.push(number);
  }
  return found;
}

/** The first value as a finite number, or undefined. */
export function number(dataset: DicomDataset, tag: string): number | undefined {
  return numbers(dataset, tag)[0];
}

/** The items of a sequence; empty when it is absent. */
export function items(dataset: DicomDataset, tag: string): DicomDataset[] {
  const found: DicomDataset[] = [];
  for (const value of values(dataset, tag)) {
    if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      found.push(value as DicomDataset);
    }
  }
  return found;
}

/** The bytes of a binary attribute, or undefined. */
export function bytes(dataset: DicomDataset, tag: string): Uint8Array | undefined {
  const [value] = values(dataset, tag);
  return value instanceof Uint8Array ? value : undefined;
}
