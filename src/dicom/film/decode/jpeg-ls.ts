import { DeepHealthError } from '../../../errors/error.ts';
import { cellsIn } from './cells.ts';
import { type Bits, unstuffed } from './jpeg-ls-bits.ts';
import type { JpegLsCoding } from './jpeg-ls-parameters.ts';

/** Exponents of the run lengths (T.87 A.7.1.1). */
const RUN_BITS = [
  0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15,
];
/** Contexts of samples that end runs come after the 365 of the others; each holds A, B (Nn for runs), C, N. */
const RUN_CONTEXT = 365;
const FIELDS = 4;

/** Bits that may be left at the end: padding to a byte, and a byte or two of an encoder's own. */
const MOST_LEFT = 23;

/** What does not change within a scan. */
interface Coder {
  readonly near: number;
  readonly largest: number;
  /** 2 · near + 1 */
  readonly step: number;
  /** Numbers of errors, times the step: reconstructed samples are taken modulo this. */
  readonly span: number;
  /** Bits of an error that is not coded in unary. */
  readonly errorBits: number;
  /** Longest code. */
  readonly limit: number;
  readonly reset: number;
  readonly bits: Bits;
  readonly contexts: Int32Array;
  /** Which of the run lengths is next. */
  runIndex: number;
}

/**
 * Decodes the scan of a JPEG-LS picture of one component, without loss or nearly so (ITU-T T.87 A, F.2).
 *
 * @returns the samples, row-major.
 * @throws DeepHealthError `pixel.undecodable` when the scan ends too early or holds what no encoder writes.
 */
export function decodeJpegLs(
  bytes: Uint8Array,
  coding: JpegLsCoding,
  memory?: ArrayBufferLike,
): Uint8Array | Uint16Array {
  const { rows, columns, largest } = coding;
  const coder = coderOf(bytes, coding);
  const classes = gradientClasses(coding);
  const cells = cellsIn(memory, rows * columns, largest > 255 ? 16 : 8);
  // Lines with one sample more on either side: what the standard takes for neighbours beyond the edges.
  let above = new Int32Array(columns + 2);
  let line = new Int32Array(columns + 2);
  try {
    for (let row = 0; row < rows; row++) {
      above[columns + 1] = above[columns] as number;
      line[0] = above[1] as number;
      for (let column = 1; column <= columns; ) {
        column = regularSamples(coder, classes, above, line, column, columns);
        if (column <= columns) column = runOfSamples(coder, above, line, column, columns);
      }
      if (coder.bits.at > coder.bits.count) throw damaged();
      cells.set(line.subarray(1, columns + 1), row * columns);
      [above, line] = [line, above];
    }
    if (coder.bits.count - coder.bits.at > MOST_LEFT) throw damaged();
  } catch (error) {
    // Reading behind the padding of the bits.
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
  return cells;
}

/**
 * Samples up to the next run or the end of the line; this is where the time goes. What depends on noise is
 * calculated without branches, since a processor cannot guess them.
 * @returns the column of the run, or the one after the line.
 */
function regularSamples(
  coder: Coder,
  classes: Int8Array,
  above: Int32Array,
  line: Int32Array,
  from: number,
  columns: number,
): number {
  const { near, largest, step, span, errorBits, limit, reset, bits, contexts } = coder;
  const { view } = bits;
  const unary = limit - errorBits - 1;
  let { at } = bits;
  let column = from;
  let left = line[column - 1] as number;
  let aboveLeft = above[column - 1] as number;
  let upper = above[column] as number;
  for (; column <= columns; column++) {
    const aboveRight = above[column + 1] as number;
    const gradients =
      (81 * (classes[aboveRight - upper + largest] as number) +
        9 * (classes[upper - aboveLeft + largest] as number) +
        (classes[aboveLeft - left + largest] as number)) |
      0;
    if (gradients === 0) break;
    const sign = gradients >> 31;
    const context = ((gradients ^ sign) - sign) * FIELDS;
    const a = contexts[context] as number;
    const b = contexts[context + 1] as number;
    let c = contexts[context + 2] as number;
    let n = contexts[context + 3] as number;

    // The smallest k with n · 2^k ≥ a.
    let k = (Math.clz32(n) - Math.clz32(a)) | 0;
    k &= ~(k >> 31);
    k = (k + (((n << k) - a) >>> 31)) | 0;

    const window = view.getInt32(at >>> 3) << (at & 7);
    const zeros = Math.clz32(window);
    let mapped: number;
    if (zeros + k <= 23 && zeros < unary) {
      mapped = (zeros << k) | ((((window << zeros) << 1) >>> 1) >>> (31 - k)) | 0;
      at = (at + zeros + k + 1) | 0;
    } else {
      bits.at = at;
      mapped = longCode(bits, k, unary, errorBits);
      at = bits.at;
    }
    let error = (mapped >> 1) ^ -(mapped & 1);
    if (k === 0 && near === 0 && 2 * b <= -n) error = ~error;

    // The median of left, upper and their plane, mended by what the context was off before.
    const apart = (left - upper) | 0;
    const less = apart & (apart >> 31);
    const low = (upper + less) | 0;
    const high = (left - less) | 0;
    let value = (left + upper - aboveLeft) | 0;
    const over = (high - value) | 0;
    value = (value + (over & (over >> 31))) | 0;
    const under = (value - low) | 0;
    value = (value - (under & (under >> 31)) + ((c ^ sign) - sign)) | 0;
    if (value < 0) value = 0;
    else if (value > largest) value = largest;
    value = (value + Math.imul((error ^ sign) - sign, step)) | 0;
    if (value < -near) value = (value + span) | 0;
    else if (value > largest + near) value = (value - span) | 0;
    if (value < 0) value = 0;
    else if (value > largest) value = largest;

    let sizes = (a + ((error ^ (error >> 31)) - (error >> 31))) | 0;
    let drift = (b + Math.imul(error, step)) | 0;
    if (n === reset) {
      sizes >>= 1;
      drift >>= 1;
      n >>= 1;
    }
    n = (n + 1) | 0;
    const below = (drift + n - 1) >> 31;
    const beyond = -drift >> 31;
    drift = (drift + (n & below) - (n & beyond)) | 0;
    if (drift > 0) drift = 0;
    else if (drift <= -n) drift = (1 - n) | 0;
    c = (c + below - beyond) | 0;
    if (c > 127) c = 127;
    else if (c < -128) c = -128;
    contexts[context] = sizes;
    contexts[context + 1] = drift;
    contexts[context + 2] = c;
    contexts[context + 3] = n;

    line[column] = value;
    left = value;
    aboveLeft = upper;
    upper = aboveRight;
  }
  bits.at = at;
  return column;
}

/**
 * A run of samples like the one on the left, and the sample that ends it (T.87 A.7).
 * @returns the column after it.
 */
function runOfSamples(
  coder: Coder,
  above: Int32Array,
  line: Int32Array,
  from: number,
  columns: number,
): number {
  const { bits } = coder;
  const left = line[from - 1] as number;
  let column = from;
  while (peek(bits) < 0) {
    bits.at += 1;
    column += 1 << (RUN_BITS[coder.runIndex] as number);
    if (column <= columns + 1 && coder.runIndex < 31) coder.runIndex += 1;
    if (column > columns) {
      line.fill(left, from, columns + 1);
      return columns + 1;
    }
  }
  bits.at += 1;
  column += take(bits, RUN_BITS[coder.runIndex] as number);
  if (column > columns) throw damaged();
  line.fill(left, from, column);
  line[column] = endOfRun(coder, left, above[column] as number);
  return column + 1;
}

/** The sample that ends a run (T.87 A.7.2). */
function endOfRun(coder: Coder, left: number, upper: number): number {
  const { near, largest, step, span, errorBits, limit, reset, bits, contexts } = coder;
  const alike = Math.abs(left - upper) <= near ? 1 : 0;
  const context = (RUN_CONTEXT + alike) * FIELDS;
  let a = contexts[context] as number;
  let negatives = contexts[context + 1] as number;
  let n = contexts[context + 3] as number;
  const weight = alike === 1 ? a + (n >> 1) : a;
  let k = 0;
  while (n << k < weight) k += 1;
  const runBits = RUN_BITS[coder.runIndex] as number;
  const mapped = longCode(bits, k, limit - runBits - errorBits - 2, errorBits);
  if (coder.runIndex > 0) coder.runIndex -= 1;

  const odd = (mapped + alike) & 1;
  const size = (mapped + alike + odd) >> 1;
  const error = (k !== 0 || 2 * negatives >= n) === (odd === 1) ? -size : size;
  a += (mapped + 1 - alike) >> 1;
  if (error < 0) negatives += 1;
  if (n === reset) {
    a >>= 1;
    negatives >>= 1;
    n >>= 1;
  }
  contexts[context] = a;
  contexts[context + 1] = negatives;
  contexts[context + 3] = n + 1;

  let value = alike === 1 ? left : upper;
  value += (alike === 0 && left > upper ? -error : error) * step;
  if (value < -near) value += span;
  else if (value > largest + near) value -= span;
  return Math.min(largest, Math.max(0, value));
}

/** A code of any length (T.87 A.5.3): zeros, a one, then k bits, or as many bits as an error has. */
function longCode(bits: Bits, k: number, unary: number, errorBits: number): number {
  let zeros = 0;
  for (;;) {
    const found = Math.min(24, Math.clz32(peek(bits)));
    bits.at += found;
    zeros += found;
    if (found < 24) break;
    if (zeros > unary) throw damaged();
  }
  bits.at += 1;
  if (zeros < unary) return (zeros << k) + take(bits, k);
  if (zeros > unary) throw damaged();
  return take(bits, errorBits) + 1;
}

/** The next 25 bits, left-aligned. */
function peek({ view, at }: Bits): number {
  return view.getInt32(at >>> 3) << (at & 7);
}

function take(bits: Bits, count: number): number {
  if (count === 0) return 0;
  const value = peek(bits) >>> (32 - count);
  bits.at += count;
  return value;
}

function coderOf(bytes: Uint8Array, { scan, near, largest, reset }: JpegLsCoding): Coder {
  const step = 2 * near + 1;
  const range = Math.floor((largest + 2 * near) / step) + 1;
  const sampleBits = Math.max(2, 32 - Math.clz32(largest));
  const contexts = new Int32Array((RUN_CONTEXT + 2) * FIELDS);
  for (let at = 0; at < contexts.length; at += FIELDS) {
    contexts[at] = Math.max(2, (range + 32) >> 6);
    contexts[at + 3] = 1;
  }
  return {
    near,
    largest,
    step,
    span: range * step,
    errorBits: 32 - Math.clz32(range - 1),
    limit: 2 * (sampleBits + Math.max(8, sampleBits)),
    reset,
    bits: unstuffed(bytes, scan),
    contexts,
    runIndex: 0,
  };
}

/** The class of a gradient, -4 to 4, at its value plus the largest sample (T.87 A.3.3). */
function gradientClasses({ largest, near, thresholds: [t1, t2, t3] }: JpegLsCoding): Int8Array {
  const classes = new Int8Array(2 * largest + 1);
  for (let at = 0; at < classes.length; at++) {
    const size = Math.abs(at - largest);
    const found = size <= near ? 0 : size < t1 ? 1 : size < t2 ? 2 : size < t3 ? 3 : 4;
    classes[at] = at < largest ? -found : found;
  }
  return classes;
}

function damaged(): DeepHealthError {
  return new DeepHealthError('pixel.undecodable', 'The JPEG-LS scan is damaged or ends too early.');
}
