import { DeepHealthError } from '../../../errors/error.ts';
import { cellsIn } from './cells.ts';
import { type Codes, codeLength, codesOf, LOOKED_UP, numberOf, unstuffedScan } from './huffman.ts';
import type { JpegLosslessCoding } from './jpeg-lossless-parameters.ts';

/** Bits that may be left at the end: padding to a byte, and a byte or two of an encoder's own. */
const MOST_LEFT = 23;
/** An entry of the codes: the difference, then the bits of code and difference. */
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
  memory?: ArrayBufferLike,
): Uint8Array | Uint16Array {
  const { rows, columns, precision, transform, predictor } = coding;
  const { view, count } = unstuffedScan(bytes, coding.scan);
  const codes = codesOf(
    coding.table,
    (category) => (category === 16 ? 0 : category),
    (category, bits, length) => (numberOf(bits, category) << LENGTH_BITS) | length,
  );
  const cells = cellsIn(memory, rows * columns, precision > 8 ? 16 : 8);
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
    const length = codeLength(window >>> 16, codes);
    if (length === 0) throw damaged();
    const code = window >>> (32 - length);
    const category = codes.symbols[code + (codes.offsets[length] as number)] as number;
    at += length;
    const extra = category === 16 ? 0 : category;
    const bits = extra === 0 ? 0 : (view.getInt32(at >>> 3) << (at & 7)) >>> (32 - extra);
    at += extra;
    differences[column] = numberOf(bits, category);
  }
  return at;
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
