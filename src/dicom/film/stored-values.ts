import { type DicomDataset, number } from '../dataset.ts';
import type { FrameFormat } from './decode/decoder.ts';

/**
 * How the cells of a film become stored values (PS3.5 8.1.1): a cell's code is its Bits Stored below High Bit;
 * the value of a code has the sign that Pixel Representation gives it.
 */
export interface StoredValues {
  /** Number of codes, 2 to the Bits Stored. */
  readonly codes: number;
  readonly shift: number;
  readonly signed: boolean;
}

export function storedValues(format: FrameFormat): StoredValues {
  const bits = Math.min(16, format.bitsStored);
  return {
    codes: 2 ** bits,
    shift: Math.max(0, format.highBit + 1 - format.bitsStored),
    signed: format.pixelRepresentation === 1,
  };
}

/** The stored value of a code. */
export function storedValue(code: number, { codes, signed }: StoredValues): number {
  return signed && code >= codes / 2 ? code - codes : code;
}

/**
 * Which codes are padding: Pixel Padding Value (0028,0120), or everything between it and Pixel Padding Range
 * Limit (0028,0121), compared with stored values before any table (PS3.3 C.7.5.1.1.2).
 * @returns undefined when the film names no padding.
 */
export function paddingCodes(dataset: DicomDataset, stored: StoredValues): Uint8Array | undefined {
  const one = wordAs(number(dataset, '00280120'), stored);
  if (one === undefined) return undefined;
  const other = wordAs(number(dataset, '00280121'), stored) ?? one;
  const [low, high] = one < other ? [one, other] : [other, one];
  const padding = new Uint8Array(stored.codes);
  for (let code = 0; code < stored.codes; code++) {
    const value = storedValue(code, stored);
    if (value >= low && value <= high) padding[code] = 1;
  }
  return padding;
}

/** A US or SS word with the sign of the pixels: files mix up the two VRs. */
function wordAs(word: number | undefined, { signed }: StoredValues): number | undefined {
  if (word === undefined) return undefined;
  const unsigned = word & 0xffff;
  return signed && unsigned >= 0x8000 ? unsigned - 0x10000 : unsigned;
}
