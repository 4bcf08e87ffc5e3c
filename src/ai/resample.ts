import type { PictureBox } from './reading.ts';

/** A grey raster, row-major, 0 black to 255 white: a display-ready picture, or one in finer steps. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array | Float32Array;
  /** Pixels from one row to the next; default `width`. */
  readonly stride?: number;
  /** Where the first pixel of the first row stands in `pixels`; default 0. */
  readonly start?: number;
}

/**
 * Weights that resample a line of `length` pixels between the edges `start` and `end` into `size` pixels by
 * a triangle filter of half-width max(scale, 1), scale = (end - start) / size. Output i is the sum of
 * `weights[i * taps + t]` times pixel `first[i] + t`. Outside of the line its end pixels are repeated: their
 * weights are folded into the first or last pixel, so every index is inside of the line.
 */
interface LineWeights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

function lineWeights(length: number, start: number, end: number, size: number): LineWeights {
  const scale = (end - start) / size;
  const support = Math.max(scale, 1);
  const reach = Math.ceil(2 * support) + 3;
  const taps = Math.min(reach, length);
  const first = new Int32Array(size);
  const weights = new Float32Array(size * taps);
  const raw = new Float64Array(reach);
  const folded = new Float64Array(taps);
  for (let i = 0; i < size; i += 1) {
    const centre = start + (i + 0.5) * scale;
    const lowest = Math.floor(centre - support - 0.5);
    let sum = 0;
    for (let t = 0; t < reach; t += 1) {
      const weight = Math.max(0, 1 - Math.abs(lowest + t + 0.5 - centre) / support);
      raw[t] = weight;
      sum += weight;
    }
    const from = Math.min(Math.max(lowest, 0), length - taps);
    folded.fill(0);
    for (let t = 0; t < reach; t += 1) {
      const pixel = Math.min(Math.max(lowest + t, 0), length - 1);
      const slot = Math.min(Math.max(pixel - from, 0), taps - 1);
      folded[slot] = (folded[slot] ?? 0) + (raw[t] ?? 0) / sum;
    }
    first[i] = from;
    weights.set(folded, i * taps);
  }
  return { taps, first, weights };
}

/**
 * The part of a picture inside of `box` (pixel edges; it may reach beyond the picture, whose edge pixels are
 * then repeated), squashed to `width` x `height` by a separable triangle filter. Gives row-major float32 in
 * the picture's own range 0..255.
 */
export function resample(picture: Raster, box: PictureBox, width: number, height: number): Float32Array {
  const out = new Float32Array(width * height);
  resampleRows(picture, box, width, height, (line, y) => out.set(line, y * width));
  return out;
}

/**
 * The same row by row from the top, for what works on with it while it is in the cache.
 * @param take gets each row; the array is used again for the next.
 */
export function resampleRows(
  picture: Raster,
  box: PictureBox,
  width: number,
  height: number,
  take: (line: Float32Array, y: number) => void,
): void {
  const { taps, first, weights } = lineWeights(picture.height, box.y0, box.y1, height);
  // Rows that were squashed to the new width: as many of them as one new row needs, in turn.
  const narrow = new Float32Array(taps * width);
  const squash = rowSquasher(picture, box, width, narrow);
  const line = new Float64Array(width);
  const rounded = new Float32Array(width);
  const places = new Int32Array(taps + 1);
  let squashed = first[0] as number;
  for (let y = 0; y < height; y += 1) {
    const from = first[y] as number;
    for (; squashed < from + taps; squashed += 1) {
      if (squashed >= from) squash(squashed, (squashed % taps) * width);
    }
    // Before the first row that counts and behind the last, weights are zero; rows are added in pairs.
    const row = weights.subarray(y * taps, y * taps + taps);
    let begin = 0;
    while (row[begin] === 0 && row[begin + 1] === 0) begin += 2;
    let end = taps;
    while (end > begin && row[end - 1] === 0) end -= 1;
    for (let t = begin; t <= end; t += 1) places[t] = ((from + Math.min(t, taps - 1)) % taps) * width;
    if (end - begin <= 4) mixRows(rounded, narrow, row, places, begin);
    else {
      line.fill(0);
      for (let t = begin; t < end; t += 2) {
        const lower = t + 1 < taps ? (row[t + 1] as number) : 0;
        addRows(line, narrow, places[t] as number, row[t] as number, places[t + 1] as number, lower);
      }
      rounded.set(line);
    }
    take(rounded, y);
  }
}

/** The same in one pass where at most two pairs count, as they do for all scales below 1.5. */
function mixRows(
  out: Float32Array,
  narrow: Float32Array,
  weights: Float32Array,
  places: Int32Array,
  begin: number,
): void {
  const weight = (t: number) => (t < weights.length ? (weights[t] as number) : 0);
  const place = (t: number) => (weight(t) === 0 ? (places[begin] as number) : (places[t] as number));
  const [one, two, three, four] = [weight(begin), weight(begin + 1), weight(begin + 2), weight(begin + 3)];
  const [a, b, c, d] = [place(begin), place(begin + 1), place(begin + 2), place(begin + 3)];
  for (let x = 0; x < out.length; x += 1) {
    out[x] =
      one * (narrow[a + x] as number) +
      two * (narrow[b + x] as number) +
      (three * (narrow[c + x] as number) + four * (narrow[d + x] as number));
  }
}

function addRows(
  line: Float64Array,
  narrow: Float32Array,
  above: number,
  upper: number,
  below: number,
  lower: number,
): void {
  for (let x = 0; x < line.length; x += 1) {
    line[x] =
      (line[x] as number) + (upper * (narrow[above + x] as number) + lower * (narrow[below + x] as number));
  }
}

/** What squashes one row of the picture to `width` values of `narrow`. */
function rowSquasher(
  { pixels, width: columns, stride = columns, start = 0 }: Raster,
  box: PictureBox,
  width: number,
  narrow: Float32Array,
): (row: number, to: number) => void {
  if (pixels instanceof Uint8Array && box.x1 - box.x0 >= width) {
    const shares = segments(columns, box.x0, (box.x1 - box.x0) / width, width);
    const line = { pixels, columns, shares, width, narrow };
    return (row, to) => shrinkRow(line, start + row * stride, to);
  }
  const weights = lineWeights(columns, box.x0, box.x1, width);
  return (row, to) => weighRow(pixels, start + row * stride, weights, width, narrow, to);
}

/** A row by its weights, for enlarging. */
function weighRow(
  pixels: Uint8Array | Float32Array,
  row: number,
  { taps, first, weights }: LineWeights,
  width: number,
  narrow: Float32Array,
  to: number,
): void {
  for (let x = 0, w = 0; x < width; x += 1) {
    let from = row + (first[x] as number);
    let sum = 0;
    for (const end = w + taps; w < end; w += 1, from += 1) {
      sum += (weights[w] as number) * (pixels[from] as number);
    }
    narrow[to + x] = sum;
  }
}

interface Shrinking {
  readonly pixels: Uint8Array;
  readonly columns: number;
  readonly shares: Segments;
  readonly width: number;
  readonly narrow: Float32Array;
}

/**
 * The same result for shrinking, several times faster: this loop sees every pixel of a film. Between the
 * centres of two outputs the weight towards the right one rises by 1 / scale a pixel and the rest goes to the
 * left one, so the plain sum A of a segment's pixels and the sum B of its running sums (each pixel counted
 * once for itself and once for every pixel after it) hold all that both outputs need. Both are exact integers.
 */
function shrinkRow(line: Shrinking, row: number, to: number): void {
  const { pixels, columns, shares, width, narrow } = line;
  const { begin, ends, ramp, slope, norm, short, outside } = shares;
  let k = row + begin;
  let left = 0;
  for (let i = 0; i <= width; i += 1) {
    if (i === short.first) {
      left = shrinkShort(line, k, left, to);
      i = short.end - 1;
      k = row + (ends[i] as number);
      continue;
    }
    const stop = row + (ends[i] as number);
    let a = 0;
    let b = 0;
    for (; k + 2 < stop; k += 3) {
      const one = pixels[k] as number;
      const two = pixels[k + 1] as number;
      const three = pixels[k + 2] as number;
      b = (b + 3 * (a + one) + 2 * two + three) | 0;
      a = (a + one + two + three) | 0;
    }
    for (; k < stop; k += 1) {
      a = (a + (pixels[k] as number)) | 0;
      b = (b + a) | 0;
    }
    const right = (ramp[i] as number) * a - slope * b;
    if (i > 0) narrow[to + i - 1] = (left + a - right) * (norm[i - 1] as number);
    left = right;
  }
  const first = pixels[row] as number;
  const last = pixels[row + columns - 1] as number;
  for (const { output, before, after } of outside) {
    narrow[to + output] = (narrow[to + output] as number) + before * first + after * last;
  }
}

/**
 * The segments of one or two pixels from pixel `k` on, without a branch that a processor would have to guess.
 * @returns what the last of them left for the output to its right.
 */
function shrinkShort({ pixels, shares, narrow }: Shrinking, k: number, left: number, to: number): number {
  const { ramp, slope, norm, short } = shares;
  const { first, end, second } = short;
  for (let i = first; i < end; i += 1) {
    const more = second[i] as number;
    const one = pixels[k] as number;
    const a = one + ((pixels[k + 1] as number) & more);
    const right = (ramp[i] as number) * a - slope * (one + (a & more));
    narrow[to + i - 1] = (left + a - right) * (norm[i - 1] as number);
    left = right;
    k += 1 - more;
  }
  return left;
}

/**
 * Segment i holds the pixels between the centres of the outputs i - 1 and i. `begin`: the first pixel of
 * all. `ends`: the pixel after a segment's last. `ramp` and `slope`: the factors of A and of B towards output i.
 * `norm`: one over the sum of an output's weights. `outside`: the outputs with weights before or after the
 * line, which the first and last pixel get. `short`: the run of segments [first, end) of one or two pixels, where
 * all are of one or two; `second` is -1 where they are two.
 */
interface Segments {
  readonly begin: number;
  readonly ends: Int32Array;
  readonly ramp: Float64Array;
  readonly slope: number;
  readonly norm: Float64Array;
  readonly short: { readonly first: number; readonly end: number; readonly second: Int32Array };
  readonly outside: readonly { readonly output: number; readonly before: number; readonly after: number }[];
}

function segments(length: number, start: number, scale: number, width: number): Segments {
  const inside = (k: number) => Math.min(Math.max(k, 0), length);
  const ends = new Int32Array(width + 1);
  const ramp = new Float64Array(width + 1);
  // One place more at either end: weights towards outputs that there are not.
  const sums = new Float64Array(width + 2);
  const before = new Float64Array(width + 2);
  const after = new Float64Array(width + 2);
  for (let i = 0; i <= width; i += 1) {
    const centreBefore = start + (i - 0.5) * scale;
    const first = Math.ceil(centreBefore - 0.5);
    const end = Math.ceil(centreBefore + scale - 0.5);
    for (let k = first; k < end; k += 1) {
      const weight = (k + 0.5 - centreBefore) / scale;
      share(sums, i, weight);
      if (k < 0) share(before, i, weight);
      else if (k >= length) share(after, i, weight);
    }
    ends[i] = inside(end);
    ramp[i] = (inside(first) + 0.5 - centreBefore + inside(end) - inside(first)) / scale;
  }
  const outside = [];
  const norm = new Float64Array(width);
  for (let output = 0; output < width; output += 1) {
    const sum = sums[output + 1] as number;
    norm[output] = 1 / sum;
    const shares = {
      output,
      before: (before[output + 1] as number) / sum,
      after: (after[output + 1] as number) / sum,
    };
    if (shares.before > 0 || shares.after > 0) outside.push(shares);
  }
  const begin = inside(Math.ceil(start - scale / 2 - 0.5));
  const short = shortRun(ends, scale, length);
  return { begin, ends, ramp, slope: 1 / scale, norm, short, outside };
}

function shortRun(ends: Int32Array, scale: number, length: number): Segments['short'] {
  const second = new Int32Array(ends.length);
  if (scale >= 2) return { first: -1, end: -1, second };
  const count = (i: number) => (ends[i] as number) - (ends[i - 1] as number);
  let first = 1;
  while (first < ends.length && count(first) === 0) first += 1;
  let end = first;
  // A pixel is looked at behind each of them.
  for (; end < ends.length && count(end) > 0 && (ends[end] as number) < length; end += 1) {
    if (count(end) === 2) second[end] = -1;
  }
  return end > first ? { first, end, second } : { first: -1, end: -1, second };
}

/** A pixel of segment i: its weight goes to output i, the rest to the one before; outputs count from place 1. */
function share(sums: Float64Array, i: number, weight: number): void {
  sums[i + 1] = (sums[i + 1] as number) + weight;
  sums[i] = (sums[i] as number) + (1 - weight);
}
