import { DeepHealthError } from '../../../errors/error.ts';
import { cellsIn } from './cells.ts';
import { type Codes, codeLength, codesOf, LOOKED_UP, numberOf, unstuffedScan } from './huffman.ts';
import type { JpegDctCoding } from './jpeg-dct-parameters.ts';

/** Bits that may be left at the end: padding to a byte, and a byte or two of an encoder's own. */
const MOST_LEFT = 23;
/** An entry of the codes: the number, how far it leads in the block, the bits of code and number. */
const LENGTH_BITS = 6;
const ADVANCE_BITS = 7;
const END_OF_BLOCK = 64;
/** Code of a run of sixteen zeros. */
const ZEROS = 0xf0;

/** Where the coefficients of the zigzag order stand (T.81 figure A.6), as 8 × row + column. */
const PLACES = zigzag();

/**
 * Decodes the scan of a DCT coded JPEG picture of one component (T.81 F) at half its size: each sample is the mean of
 * 2 × 2 samples of the whole picture, apart from their rounding and clamping.
 *
 * The mean of two neighbours of an inverse DCT of eight samples is one sample of an inverse DCT of four: coefficient
 * k loses its factor cos(kπ/16), and those beyond the fourth fall back, negative, on their mirror images. So blocks
 * cost a quarter, and nothing is lost against means of the whole.
 *
 * @returns the samples, row-major, of half the rows and columns, rounded up.
 * @throws DeepHealthError `pixel.undecodable` when the scan ends too early or is damaged.
 */
export function decodeJpegHalf(
  bytes: Uint8Array,
  coding: JpegDctCoding,
  memory?: ArrayBufferLike,
): Uint8Array | Uint16Array {
  const { precision } = coding;
  const rows = Math.ceil(coding.rows / 2);
  const columns = Math.ceil(coding.columns / 2);
  const samples = cellsIn(memory, rows * columns, precision > 8 ? 16 : 8);
  const across = Math.ceil(coding.columns / 8);
  const { view, count } = unstuffedScan(bytes, coding.scan);
  const blocks: Blocks = {
    view,
    at: 0,
    direct: codesOf(
      coding.direct,
      (size) => size,
      (size, bits, length) => entryOf(numberOf(bits, size), 1, length),
    ),
    alternating: codesOf(
      coding.alternating,
      (symbol) => symbol & 15,
      (symbol, bits, length) => entryOf(numberOf(bits, symbol & 15), advanceOf(symbol), length),
    ),
    ...foldedWeights(coding.quantisation),
    before: 0,
  };
  const block = new Float64Array(16);
  // Blocks that reach beyond the picture.
  const edge = precision > 8 ? new Uint16Array(16) : new Uint8Array(16);
  const range = { shift: 2 ** (precision - 1) + 0.5, largest: 2 ** precision - 1 };
  try {
    for (let top = 0; top < rows; top += 4) {
      const height = Math.min(4, rows - top);
      const inside = height === 4 ? columns >> 2 : 0;
      for (let left = 0, n = 0; n < across; n++, left += 4) {
        const isFlat = readBlock(blocks, block);
        const to = top * columns + left;
        if (n < inside) {
          if (isFlat) placeFlat(block, range, samples, to, columns);
          else placeInverse(block, range, samples, to, columns);
          continue;
        }
        placeInverse(block, range, edge, 0, 4);
        const width = Math.min(4, columns - left);
        for (let y = 0; y < height; y++) {
          samples.set(edge.subarray(4 * y, 4 * y + width), to + y * columns);
        }
      }
      if (blocks.at > count) throw damaged();
    }
    if (count - blocks.at > MOST_LEFT) throw damaged();
  } catch (error) {
    // Reading behind the padding of the bits.
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
  return samples;
}

/** What reading one block after the other needs. */
interface Blocks {
  readonly view: DataView;
  at: number;
  readonly direct: Codes;
  readonly alternating: Codes;
  /** For each coefficient in zigzag order: its place among the 4 × 4, and its factor; 0 where it falls out. */
  readonly targets: Uint8Array;
  readonly weights: Float64Array;
  /** The direct coefficient of the block before. */
  before: number;
}

/**
 * Reads the coefficients of one block, folded into 4 × 4; what stands there must be zero.
 * @returns whether it is of one value.
 */
function readBlock(blocks: Blocks, block: Float64Array): boolean {
  const { view, direct, alternating, targets, weights } = blocks;
  const { table } = alternating;
  blocks.before += readNumber(blocks, direct) >> ADVANCE_BITS;
  block[0] = blocks.before * (weights[0] as number);
  let { at } = blocks;
  let isFlat = true;
  for (let k = 1; k < 64; ) {
    const window = view.getInt32(at >>> 3) << (at & 7);
    let entry = table[window >>> (32 - LOOKED_UP)] as number;
    if (entry !== 0) {
      at = (at + (entry & (2 ** LENGTH_BITS - 1))) | 0;
      entry >>= LENGTH_BITS;
    } else {
      blocks.at = at;
      entry = readNumber(blocks, alternating);
      at = blocks.at;
    }
    k += entry & (2 ** ADVANCE_BITS - 1);
    const value = entry >> ADVANCE_BITS;
    if (value === 0) continue;
    if (k > 64) throw damaged();
    const target = targets[k - 1] as number;
    block[target] = (block[target] as number) + value * (weights[k - 1] as number);
    isFlat = false;
  }
  blocks.at = at;
  return isFlat;
}

/** A code of any length and the number behind it: the number and how far it leads. */
function readNumber(blocks: Blocks, codes: Codes): number {
  const { view, at } = blocks;
  const window = view.getInt32(at >>> 3) << (at & 7);
  const entry = codes.table[window >>> (32 - LOOKED_UP)] as number;
  if (entry !== 0) {
    blocks.at += entry & (2 ** LENGTH_BITS - 1);
    return entry >> LENGTH_BITS;
  }
  const length = codeLength(window >>> 16, codes);
  if (length === 0) throw damaged();
  const symbol = codes.symbols[(window >>> (32 - length)) + (codes.offsets[length] as number)] as number;
  const size = symbol & 15;
  const behind = at + length;
  const bits = size === 0 ? 0 : (view.getInt32(behind >>> 3) << (behind & 7)) >>> (32 - size);
  blocks.at = behind + size;
  return entryOf(numberOf(bits, size), advanceOf(symbol), 0) >> LENGTH_BITS;
}

function entryOf(value: number, advance: number, length: number): number {
  return (((value << ADVANCE_BITS) | advance) << LENGTH_BITS) | length;
}

/** Coefficients that a symbol of the alternating ones leads on. */
function advanceOf(symbol: number): number {
  if ((symbol & 15) !== 0 || symbol === ZEROS) return (symbol >> 4) + 1;
  return END_OF_BLOCK;
}

/**
 * The factors that make samples of the inverse DCT of four out of coefficients: quantisation, the norm of the DCT of
 * eight, the mean of neighbours, and the sign of mirror images.
 */
function foldedWeights(quantisation: Uint16Array): Pick<Blocks, 'targets' | 'weights'> {
  const fold = (k: number) => {
    const norm = (k === 0 ? Math.SQRT1_2 : 1) / 2;
    const mean = Math.cos((k * Math.PI) / 16);
    return k === 4
      ? { to: 0, factor: 0 }
      : k < 4
        ? { to: k, factor: norm * mean }
        : { to: 8 - k, factor: -norm * mean };
  };
  const targets = new Uint8Array(64);
  const weights = Float64Array.from(PLACES, (place, k) => {
    const down = fold(place >> 3);
    const across = fold(place & 7);
    targets[k] = 4 * down.to + across.to;
    return down.factor * across.factor * (quantisation[k] as number);
  });
  return { targets, weights };
}

const COS_1 = Math.cos(Math.PI / 8);
const COS_3 = Math.cos((3 * Math.PI) / 8);

/** The level shift with the half that rounds, and the largest sample. */
interface Range {
  readonly shift: number;
  readonly largest: number;
}

/** Writes the samples of a block that has a direct coefficient only. */
function placeFlat(
  block: Float64Array,
  { shift, largest }: Range,
  samples: Uint8Array | Uint16Array,
  to: number,
  stride: number,
): void {
  const value = ((block[0] as number) + shift) | 0;
  const sample = value < 0 ? 0 : value > largest ? largest : value;
  for (let y = 0, at = to; y < 4; y++, at += stride) {
    samples[at] = sample;
    samples[at + 1] = sample;
    samples[at + 2] = sample;
    samples[at + 3] = sample;
  }
}

/**
 * Writes the samples of a block, the inverse DCT of 4 × 4 without norms (cosines of π/8 times odd numbers and
 * frequency), and leaves zeros where the coefficients stood.
 */
function placeInverse(
  block: Float64Array,
  { shift, largest }: Range,
  samples: Uint8Array | Uint16Array,
  to: number,
  stride: number,
): void {
  for (let x = 0; x < 4; x++) {
    const z0 = block[x] as number;
    const z1 = block[4 + x] as number;
    const z2 = (block[8 + x] as number) * Math.SQRT1_2;
    const z3 = block[12 + x] as number;
    const far = COS_1 * z1 + COS_3 * z3;
    const near = COS_3 * z1 - COS_1 * z3;
    block[x] = z0 + z2 + far;
    block[4 + x] = z0 - z2 + near;
    block[8 + x] = z0 - z2 - near;
    block[12 + x] = z0 + z2 - far;
  }
  for (let y = 0, at = to; y < 16; y += 4, at += stride) {
    const z0 = block[y] as number;
    const z1 = block[y + 1] as number;
    const z2 = (block[y + 2] as number) * Math.SQRT1_2;
    const z3 = block[y + 3] as number;
    block[y] = 0;
    block[y + 1] = 0;
    block[y + 2] = 0;
    block[y + 3] = 0;
    const far = COS_1 * z1 + COS_3 * z3;
    const near = COS_3 * z1 - COS_1 * z3;
    const one = (z0 + z2 + far + shift) | 0;
    const two = (z0 - z2 + near + shift) | 0;
    const three = (z0 - z2 - near + shift) | 0;
    const four = (z0 + z2 - far + shift) | 0;
    samples[at] = one < 0 ? 0 : one > largest ? largest : one;
    samples[at + 1] = two < 0 ? 0 : two > largest ? largest : two;
    samples[at + 2] = three < 0 ? 0 : three > largest ? largest : three;
    samples[at + 3] = four < 0 ? 0 : four > largest ? largest : four;
  }
}

function zigzag(): Uint8Array {
  const places: number[] = [];
  for (let diagonal = 0; diagonal < 15; diagonal++) {
    const cells = Array.from({ length: 8 }, (_, row) => [row, diagonal - row] as const).filter(
      ([, column]) => column >= 0 && column < 8,
    );
    if (diagonal % 2 === 0) cells.reverse();
    places.push(...cells.map(([row, column]) => 8 * row + column));
  }
  return Uint8Array.from(places);
}

function damaged(): DeepHealthError {
  return new DeepHealthError('pixel.undecodable', 'The JPEG scan is damaged or ends too early.');
}
