import { bytes, type DicomDataset, numbers } from '../dataset.ts';

/** A lookup table of an item (PS3.3 C.11.1.1, C.11.2.1.1). Inputs beyond its ends take the first or last entry. */
export interface LookupTable {
  /** Input value of entry 0. */
  readonly first: number;
  readonly entries: Uint16Array;
  /** The output that stands for full: of the declared bits, or the largest entry if the bits are not what they say. */
  readonly maximum: number;
}

/**
 * Reads LUT Descriptor and LUT Data of an item. Takes 8-bit entries one or two in a word, and declared bits
 * that the entries do not keep to.
 * @param signedInput whether inputs can be negative, which decides on the sign of the first input value.
 * @returns undefined when the table is damaged (missing, too short, constant).
 */
export function readLookupTable(item: DicomDataset, signedInput: boolean): LookupTable | undefined {
  const [count, first, bits] = numbers(item, '00283002');
  if (count === undefined || first === undefined || bits === undefined) return undefined;
  const length = (count & 0xffff) === 0 ? 65_536 : count & 0xffff;
  const entries = readEntries(item, length, bits);
  if (entries === undefined) return undefined;
  let largest = 0;
  for (const entry of entries) if (entry > largest) largest = entry;
  if (largest === 0) return undefined;
  const declared = 2 ** Math.min(16, Math.max(1, bits)) - 1;
  // Tables said to be of 16 bits that hold 12 are common: then their own largest entry is white.
  const maximum = largest > declared || largest <= declared >> 1 ? largest : declared;
  const word = first & 0xffff;
  return { first: signedInput && word >= 0x8000 ? word - 0x10000 : word, entries, maximum };
}

function readEntries(item: DicomDataset, length: number, bits: number): Uint16Array | undefined {
  const stored = bytes(item, '00283006');
  if (stored === undefined) {
    const listed = numbers(item, '00283006');
    if (listed.length >= length) return Uint16Array.from(listed.slice(0, length), (entry) => entry & 0xffff);
    if (bits > 8 || listed.length * 2 < length) return undefined;
    return Uint16Array.from({ length }, (_, i) => ((listed[i >> 1] ?? 0) >> (8 * (i & 1))) & 0xff);
  }
  if (stored.length >= 2 * length) {
    return Uint16Array.from({ length }, (_, i) => (stored[2 * i] ?? 0) | ((stored[2 * i + 1] ?? 0) << 8));
  }
  return bits <= 8 && stored.length >= length ? Uint16Array.from(stored.subarray(0, length)) : undefined;
}

/** The entry for an input. */
export function lookUp(table: LookupTable, input: number): number {
  const index = Math.round(input) - table.first;
  return table.entries[Math.min(table.entries.length - 1, Math.max(0, index))] ?? 0;
}
