import type { PictureBox } from './reading.ts';

/** A grey raster, row-major, 0 black to 255 white: a display-ready picture, or one in finer steps. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array | Float32Array;
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
  const rows = lineWeights(picture.height, box.y0, box.y1, height);
  const top = Math.min(...rows.first);
  const bottom = Math.min(Math.max(...rows.first) + rows.taps, picture.height);
  const narrow = squashRows(picture, top, bottom, box, width);
  const { taps, first, weights } = rows;
  const out = new Float32Array(width * height);
  const line = new Float64Array(width);
  for (let y = 0; y < height; y += 1) {
    line.fill(0);
    const from = (first[y] as number) - top;
    for (let t = 0; t < taps; t += 2) {
      const upper = weights[y * taps + t] as number;
      const lower = t + 1 < taps ? (weights[y * taps + t + 1] as number) : 0;
      if (upper === 0 && lower === 0) continue;
      const at = (from + t) * width;
      const below = t + 1 < taps ? at + width : at;
      for (let x = 0; x < width; x += 1) {
        line[x] =
          (line[x] as number) + (upper * (narrow[at + x] as number) + lower * (narrow[below + x] as number));
      }
    }
    out.set(line, y * width);
  }
  return out;
}

/** First pass: rows `top` to `bottom` of the picture, each squashed to `width`; row-major. */
function squashRows(
  picture: Raster,
  top: number,
  bottom: number,
  box: PictureBox,
  width: number,
): Float32Array {
  const { pixels, width: stride } = picture;
  return pixels instanceof Uint8Array && box.x1 - box.x0 >= width
    ? shrinkRows(pixels, stride, top, bottom, box, width)
    : weighRows(picture, top, bottom, lineWeights(stride, box.x0, box.x1, width), width);
}

/** Rows by their weights, for enlarging and for boxes that reach beyond the picture. */
function weighRows(
  picture: Raster,
  top: number,
  bottom: number,
  columns: LineWeights,
  width: number,
): Float32Array {
  const { pixels, width: stride } = picture;
  const { taps, first, weights } = columns;
  const narrow = new Float32Array((bottom - top) * width);
  for (let y = top; y < bottom; y += 1) {
    const row = y * stride;
    const at = (y - top) * width;
    for (let x = 0; x < width; x += 1) {
      const from = row + (first[x] as number);
      const w = x * taps;
      let sum = 0;
      for (let t = 0; t < taps; t += 1) sum += (weights[w + t] as number) * (pixels[from + t] as number);
      narrow[at + x] = sum;
    }
  }
  return narrow;
}

/**
 * The same result for shrinking, several times faster: this loop sees every pixel of a film of five
 * megapixels. Between the centres of two outputs the weight towards the right one rises by 1 / scale a
 * pixel and the rest goes to the left one, so the plain sum A of a segment's pixels and the sum B of its
 * running sums (each pixel counted once for itself and once for every pixel after it) hold all that both
 * outputs need. Both are exact integers.
 */
function shrinkRows(
  pixels: Uint8Array,
  stride: number,
  top: number,
  bottom: number,
  { x0, x1 }: PictureBox,
  width: number,
): Float32Array {
  const { begin, ends, ramp, norm, outside } = segments(stride, x0, (x1 - x0) / width, width);
  const narrow = new Float32Array((bottom - top) * width);
  for (let y = top; y < bottom; y += 1) {
    const row = y * stride;
    const at = (y - top) * width;
    let k = row + begin;
    let left = 0;
    for (let i = 0; i <= width; i += 1) {
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
      while (k < stop) {
        a = (a + (pixels[k] as number)) | 0;
        b = (b + a) | 0;
        k += 1;
      }
      const right = (ramp[i * 2] as number) * a - (ramp[i * 2 + 1] as number) * b;
      if (i > 0) narrow[at + i - 1] = (left + a - right) * (norm[i - 1] as number);
      left = right;
    }
    const first = pixels[row] as number;
    const last = pixels[row + stride - 1] as number;
    for (const { output, before, after } of outside) {
      narrow[at + output] = (narrow[at + output] as number) + before * first + after * last;
    }
  }
  return narrow;
}

/**
 * Segment i holds the pixels between the centres of the outputs i - 1 and i. `begin`: the first pixel of
 * all. `ends`: the pixel after a segment's last. `ramp`: the factors of A and of B towards output i.
 * `norm`: one over the sum of an output's weights. `outside`: the outputs with weights before or after the
 * line, which the first and last pixel get.
 */
function segments(length: number, start: number, scale: number, width: number) {
  const inside = (k: number) => Math.min(Math.max(k, 0), length);
  const ends = new Int32Array(width + 1);
  const ramp = new Float64Array((width + 1) * 2);
  const norm = new Float64Array(width);
  const before = new Float64Array(width);
  const after = new Float64Array(width);
  const add = (sums: Float64Array, i: number, weight: number) => {
    if (i >= 0 && i < width) sums[i] = (sums[i] as number) + weight;
  };
  for (let i = 0; i <= width; i += 1) {
    const centreBefore = start + (i - 0.5) * scale;
    const first = Math.ceil(centreBefore - 0.5);
    const end = Math.ceil(centreBefore + scale - 0.5);
    for (let k = first; k < end; k += 1) {
      const weight = (k + 0.5 - centreBefore) / scale;
      const sums = k < 0 ? [norm, before] : k >= length ? [norm, after] : [norm];
      for (const each of sums) {
        add(each, i, weight);
        add(each, i - 1, 1 - weight);
      }
    }
    ends[i] = inside(end);
    ramp[i * 2] = (inside(first) + 0.5 - centreBefore + inside(end) - inside(first)) / scale;
    ramp[i * 2 + 1] = 1 / scale;
  }
  const outside = [...norm.keys()]
    .map((output) => {
      const sum = norm[output] as number;
      return { output, before: (before[output] as number) / sum, after: (after[output] as number) / sum };
    })
    .filter((weights) => weights.before > 0 || weights.after > 0);
  const begin = inside(Math.ceil(start - scale / 2 - 0.5));
  return { begin, ends, ramp, norm: norm.map((sum) => 1 / sum), outside };
}
