import { DeepHealthError } from '../../../errors/error.ts';
import type { JpegLosslessCoding } from './jpeg-lossless-parameters.ts';

/** Bits looked up at once: most codes with the difference behind them are no longer. */
const LOOKED_UP = 12;
/** Zeros behind the last bit of a line's longest code and more. */
const PADDING = 16;
/** Bits that may be left at the end: padding to a byte, and a byte or two of an encoder's own. */
const MOST_LEFT = 23;
/** An entry: the difference, then the bits of code and difference; 0 for what is longer. */
const LENGTH_BITS = 6;

/**
 * Decodes the scan of a lossless JPEG picture of one component (ITU-T T.81 H.2).
 *
 * @returns the samples, row-major.
 * @throws DeepHealthError `pixel.undecodable` when the scan ends too early or holds a code that stands for
 * nothing.
 */
export function decodeJpegLossless(
  bytes: Uint8Array,
  coding: JpegLosslessCoding,
): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const { rows, columns, precision, transform, predictor } = coding;
  const { view, count } = unstuffed(bytes, coding.scan);
  const codes = codesOf(coding);
  const cells = precision > 8 ? new Uint16Array(rows * columns) : new Uint8Array(rows * columns);
  const differences = new Int32Array(columns);
  let above = new Int32Array(columns);
  let line = new Int32Array(columns);
  let at = 0;
  try {
    for (let row = 0; row < rows; row++) {
      at = readDifferences(view, at, codes, differences);
      if (at > count) throw damaged();
      if (row === 0) fromLeft(differences, line, 2 ** (precision - transform - 1));
      else if (predictor === 1) fromLeft(differences, line, above[0] as number);
      else fromAbove(predictor, differences, above, line);
      const first = row * columns;
      // Cells take the low bits, as the differences are modulo 2^16.
      if (transform === 0) cells.set(line, first);
      else
        for (let column = 0; column < columns; column++)
          cells[first + column] = (line[column] as number) << transform;
      [above, line] = [line, above];
    }
    if (count - at > MOST_LEFT) throw damaged();
  } catch (error) {
    // Reading behind the padding of the bits.
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
  return cells;
}

/** The bits of the scan up to the next marker, without the zero bytes that are stuffed in after 255. */
function unstuffed(bytes: Uint8Array, scan: number): { view: DataView; count: number } {
  const clean = new Uint8Array(bytes.length - scan + PADDING);
  let to = 0;
  for (let from = scan; from < bytes.length; ) {
    const full = bytes.indexOf(0xff, from);
    const stuffed = full >= 0 && bytes[full + 1] === 0;
    const end = full < 0 ? bytes.length : stuffed ? full + 1 : full;
    clean.set(bytes.subarray(from, end), to);
    to += end - from;
    if (!stuffed) break;
    from = full + 2;
  }
  return { view: new DataView(clean.buffer), count: 8 * to };
}

/** How codes are found. */
interface Codes {
  readonly table: Int32Array;
  /** For each length: the code after the last of it, left-aligned in 16 bits, and what leads to its category. */
  readonly ends: Int32Array;
  readonly offsets: Int32Array;
  readonly categories: Uint8Array;
}

/** T.81 C and F.2.2.3, with a table of the short codes together with the differences behind them. */
function codesOf({ lengths, categories }: JpegLosslessCoding): Codes {
  const ends = new Int32Array(17);
  const offsets = new Int32Array(17);
  const table = new Int32Array(1 << LOOKED_UP);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= 16; length++) {
    const count = lengths[length - 1] as number;
    if (code + count > 1 << length) throw damaged();
    offsets[length] = index - code;
    for (let i = 0; i < count; i++, code++, index++) {
      const category = categories[index] as number;
      // The difference of 32,768 has no bits of its own.
      const whole = length + (category === 16 ? 0 : category);
      if (whole > LOOKED_UP) continue;
      const spare = LOOKED_UP - whole;
      for (let bits = 0; bits < 1 << (whole - length); bits++) {
        const entry = (differenceOf(bits, category) << LENGTH_BITS) | whole;
        const first = ((code << (whole - length)) | bits) << spare;
        table.fill(entry, first, first + (1 << spare));
      }
    }
    ends[length] = code << (16 - length);
    code <<= 1;
  }
  return { table, ends, offsets, categories };
}

/** T.81 H.1.2.2 and F.2.2.1. */
function differenceOf(bits: number, category: number): number {
  if (category === 0) return 0;
  if (category === 16) return 32_768;
  return bits >= 1 << (category - 1) ? bits : bits - (1 << category) + 1;
}

/** Reads one line of differences; this is where the time goes. */
function readDifferences(view: DataView, from: number, codes: Codes, differences: Int32Array): number {
  const { table } = codes;
  let at = from;
  for (let column = 0; column < differences.length; column++) {
    const window = view.getInt32(at >>> 3) << (at & 7);
    const entry = table[window >>> (32 - LOOKED_UP)] as number;
    if (entry !== 0) {
      differences[column] = entry >> LENGTH_BITS;
      at = (at + (entry & (2 ** LENGTH_BITS - 1))) | 0;
      continue;
    }
    const length = lengthOf(window >>> 16, codes);
    const code = window >>> (32 - length);
    const category = codes.categories[code + (codes.offsets[length] as number)] as number;
    at += length;
    const extra = category === 16 ? 0 : category;
    const bits = extra === 0 ? 0 : (view.getInt32(at >>> 3) << (at & 7)) >>> (32 - extra);
    at += extra;
    differences[column] = differenceOf(bits, category);
  }
  return at;
}

function lengthOf(bits: number, { ends }: Codes): number {
  for (let length = 1; length <= 16; length++) if (bits < (ends[length] as number)) return length;
  throw damaged();
}

function fromLeft(differences: Int32Array, line: Int32Array, before: number): void {
  let left = before;
  for (let column = 0; column < differences.length; column++) {
    left = (left + (differences[column] as number)) & 0xffff;
    line[column] = left;
  }
}

/** The other predictors (T.81 table H.1); a line's first sample is predicted from the one above. */
function fromAbove(predictor: number, differences: Int32Array, above: Int32Array, line: Int32Array): void {
  let upper = above[0] as number;
  let left = (upper + (differences[0] as number)) & 0xffff;
  line[0] = left;
  for (let column = 1; column < differences.length; column++) {
    const aboveLeft = upper;
    upper = above[column] as number;
    left = (predicted(predictor, left, upper, aboveLeft) + (differences[column] as number)) & 0xffff;
    line[column] = left;
  }
}

function predicted(predictor: number, left: number, upper: number, aboveLeft: number): number {
  switch (predictor) {
    case 2:
      return upper;
    case 3:
      return aboveLeft;
    case 4:
      return left + upper - aboveLeft;
    case 5:
      return left + ((upper - aboveLeft) >> 1);
    case 6:
      return upper + ((left - aboveLeft) >> 1);
    default:
      return (left + upper) >> 1;
  }
}

function damaged(): DeepHealthError {
  return new DeepHealthError('pixel.undecodable', 'The lossless JPEG scan is damaged or ends too early.');
}
