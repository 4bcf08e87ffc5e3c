import type { PictureBox } from './reading.ts';
import type { Raster } from './resample.ts';

/** Cutting of near-uniform borders; deviations and shares as fractions of full scale and of the side. */
export interface TrimRule {
  /** A row or column whose standard deviation is below this is near-uniform. */
  readonly deviation: number;
  /** At most this share of the height or width is cut from each side. */
  readonly share: number;
}

/**
 * The box left when near-uniform rows, then near-uniform columns (judged within the rows that are left), are
 * cut from the borders: collimation, black surrounds, white frames.
 */
export function trim(picture: Raster, rule: TrimRule): PictureBox {
  const { width, height, stride = width, start = 0 } = picture;
  const [y0, y1] = trimLines(height, rule, (y) => lineDeviation(picture, start + y * stride, 1, width));
  const [x0, x1] = trimLines(width, rule, (x) =>
    lineDeviation(picture, start + y0 * stride + x, stride, y1 - y0),
  );
  return { x0, y0, x1, y1 };
}

function trimLines(
  count: number,
  { deviation, share }: TrimRule,
  deviationOf: (line: number) => number,
): [number, number] {
  const most = Math.trunc(count * share);
  let start = 0;
  let end = count;
  while (start < most && deviationOf(start) < deviation) start += 1;
  while (count - end < most && deviationOf(end - 1) < deviation) end -= 1;
  return [start, end];
}

/** Standard deviation of `count` pixels from `first` on, `step` apart, as a fraction of full scale; exact sums. */
function lineDeviation({ pixels }: Raster, first: number, step: number, count: number): number {
  let sum = 0;
  let squares = 0;
  for (let i = 0, at = first; i < count; i += 1, at += step) {
    const value = pixels[at] as number;
    sum += value;
    squares += value * value;
  }
  const mean = sum / count;
  return Math.sqrt(Math.max(0, squares / count - mean * mean)) / 255;
}

/** The part of a picture inside of a box with whole edges, of the same pixels. */
export function cut(picture: Raster, { x0, y0, x1, y1 }: PictureBox): Raster {
  const { pixels, stride = picture.width, start = 0 } = picture;
  return { width: x1 - x0, height: y1 - y0, pixels, stride, start: start + y0 * stride + x0 };
}
