import { DeepHealthError } from '../../../errors/error.ts';
import { cellsIn } from './cells.ts';
import { type Codes, codeLength, codesOf, LOOKED_UP, numberOf, unstuffedScan } from './huffman.ts';
import type { JpegLosslessCoding } from './jpeg-lossless-parameters.ts';

/** Bits that may be left at the end: padding to a byte, and a byte or two of an encoder's own. */
const MOST_LEFT = 23;
/** An entry of the codes: the difference, then the bits of code and difference, 31 at most. */
const LENGTH_BITS = 5;
const LENGTH = 2 ** LENGTH_BITS - 1;

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
    (category, bits, length) => entryOf(numberOf(bits, category), length),
  );
  const cells = cellsIn(memory, rows * columns, precision > 8 ? 16 : 8);
  const scan: Scan = { view, codes, at: 0 };
  let above = new Int32Array(columns);
  let line = new Int32Array(columns);
  // What a line's first sample is predicted from: in the first line the middle, then the sample above.
  let before = 2 ** (precision - transform - 1);
  try {
    for (let row = 0; row < rows; row++) {
      const first = row * columns;
      if (predictor === 1) before = readFromLeft(scan, before, cells, first, columns, transform);
      else {
        readDifferences(scan, line);
        if (row === 0) fromLeft(line, before);
        else fromAbove(predictor, line, above);
        for (let x = 0; x < columns; x++) cells[first + x] = (line[x] as number) << transform;
        [above, line] = [line, above];
      }
      if (scan.at > count) throw damaged();
    }
    if (count - scan.at > MOST_LEFT) throw damaged();
  } catch (error) {
    // Reading behind the padding of the bits.
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
  return cells;
}

interface Scan {
  readonly view: DataView;
  readonly codes: Codes;
  /** The bit that is next. */
  at: number;
}

/**
 * Reads a line that is predicted from the left: nearly all films, so this is where the time goes. A window of bits
 * holds two of the codes that are looked up, and cells take the low bits, as differences are modulo 2^16.
 * @returns the first sample of the line.
 */
function readFromLeft(
  scan: Scan,
  before: number,
  cells: Uint8Array | Uint16Array,
  first: number,
  columns: number,
  transform: number,
): number {
  const { view, codes } = scan;
  const { table } = codes;
  let { at } = scan;
  let left = before;
  let start = before;
  const end = first + columns;
  for (let cell = first; cell < end; cell += 2) {
    let window = view.getInt32(at >>> 3) << (at & 7);
    let entry = table[window >>> (32 - LOOKED_UP)] as number;
    if (entry === 0) {
      entry = longEntry(scan, at);
      at = (at + (entry & LENGTH)) | 0;
      window = view.getInt32(at >>> 3) << (at & 7);
    } else {
      at = (at + (entry & LENGTH)) | 0;
      window <<= entry & LENGTH;
    }
    left = (left + (entry >> LENGTH_BITS)) | 0;
    cells[cell] = left << transform;
    if (cell === first) start = left;
    if (cell + 1 === end) break;
    entry = table[window >>> (32 - LOOKED_UP)] as number;
    if (entry === 0) entry = longEntry(scan, at);
    at = (at + (entry & LENGTH)) | 0;
    left = (left + (entry >> LENGTH_BITS)) | 0;
    cells[cell + 1] = left << transform;
  }
  scan.at = at;
  return start;
}

/** Reads one line of differences. */
function readDifferences(scan: Scan, differences: Int32Array): void {
  const { view, codes } = scan;
  const { table } = codes;
  let { at } = scan;
  for (let column = 0; column < differences.length; column++) {
    const window = view.getInt32(at >>> 3) << (at & 7);
    let entry = table[window >>> (32 - LOOKED_UP)] as number;
    if (entry === 0) entry = longEntry(scan, at);
    differences[column] = entry >> LENGTH_BITS;
    at = (at + (entry & LENGTH)) | 0;
  }
  scan.at = at;
}

/** What stands at a bit, where it is longer than what is looked up. */
function longEntry({ view, codes }: Scan, at: number): number {
  const window = view.getInt32(at >>> 3) << (at & 7);
  const length = codeLength(window >>> 16, codes);
  if (length === 0) throw damaged();
  const category = codes.symbols[(window >>> (32 - length)) + (codes.offsets[length] as number)] as number;
  const behind = at + length;
  const extra = category === 16 ? 0 : category;
  const bits = extra === 0 ? 0 : (view.getInt32(behind >>> 3) << (behind & 7)) >>> (32 - extra);
  return entryOf(numberOf(bits, category), length + extra);
}

function entryOf(difference: number, length: number): number {
  return (difference << LENGTH_BITS) | length;
}

/** Differences to samples, in place. */
function fromLeft(line: Int32Array, before: number): void {
  let left = before;
  for (let column = 0; column < line.length; column++) {
    left = (left + (line[column] as number)) & 0xffff;
    line[column] = left;
  }
}

/**
 * The other predictors (T.81 table H.1), differences to samples in place; a line's first sample is predicted from the
 * one above.
 */
function fromAbove(predictor: number, line: Int32Array, above: Int32Array): void {
  let upper = above[0] as number;
  let left = (upper + (line[0] as number)) & 0xffff;
  line[0] = left;
  for (let column = 1; column < line.length; column++) {
    const aboveLeft = upper;
    upper = above[column] as number;
    left = (predicted(predictor, left, upper, aboveLeft) + (line[column] as number)) & 0xffff;
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
