import { type DicomDataset, numbers } from '../dataset.ts';
import type { GrayPicture } from './film.ts';

/** Pixels of other shapes than these are a mistake in the header. */
const LARGEST_ASPECT = 4;
/** Below this difference a pixel counts as square. */
const TOLERANCE = 0.005;

/**
 * Height of a pixel over its width: from Imager Pixel Spacing, Pixel Spacing or Pixel Aspect Ratio, the first
 * that is sound (PS3.3 10.7.1.1, C.7.6.3.1.7); 1 when none says otherwise.
 */
export function pixelAspect(dataset: DicomDataset): number {
  for (const tag of ['00181164', '00280030', '00280034']) {
    const [vertical, horizontal] = numbers(dataset, tag);
    if (vertical === undefined || horizontal === undefined || vertical <= 0 || horizontal <= 0) continue;
    const aspect = vertical / horizontal;
    if (aspect > LARGEST_ASPECT || aspect < 1 / LARGEST_ASPECT) continue;
    return Math.abs(aspect - 1) < TOLERANCE ? 1 : aspect;
  }
  return 1;
}

/** The picture with square pixels: the axis with the larger spacing is stretched, linearly interpolated. */
export function squared(picture: GrayPicture, aspect: number): GrayPicture {
  if (aspect === 1) return picture;
  const { width, height } = picture;
  return aspect > 1
    ? stretchedRows(picture, Math.round(height * aspect))
    : stretchedColumns(picture, Math.round(width / aspect));
}

function stretchedRows({ width, height, pixels }: GrayPicture, tall: number): GrayPicture {
  const stretched = new Uint8Array(width * tall);
  for (let y = 0; y < tall; y++) {
    const { at, next, part } = sample(y, tall, height);
    const upper = at * width;
    const lower = next * width;
    for (let x = 0; x < width; x++)
      stretched[y * width + x] = mix(pixels[upper + x], pixels[lower + x], part);
  }
  return { width, height: tall, pixels: stretched };
}

function stretchedColumns({ width, height, pixels }: GrayPicture, wide: number): GrayPicture {
  const stretched = new Uint8Array(wide * height);
  for (let x = 0; x < wide; x++) {
    const { at, next, part } = sample(x, wide, width);
    for (let y = 0; y < height; y++) {
      const row = y * width;
      stretched[y * wide + x] = mix(pixels[row + at], pixels[row + next], part);
    }
  }
  return { width: wide, height, pixels: stretched };
}

/** Where the centre of pixel `i` of `to` lies among `from` pixels: two neighbours and 256ths of the second. */
function sample(i: number, to: number, from: number): { at: number; next: number; part: number } {
  const centre = Math.max(0, Math.min(from - 1, ((i + 0.5) * from) / to - 0.5));
  const at = Math.floor(centre);
  return { at, next: Math.min(from - 1, at + 1), part: Math.round((centre - at) * 256) };
}

function mix(one = 0, other = 0, part: number): number {
  return (one * (256 - part) + other * part + 128) >> 8;
}
