import { MAP_SIDE } from './folder.ts';
import type { PictureBox } from './reading.ts';

const AREA = MAP_SIDE * MAP_SIDE;

/** How much of each cell of the network's map is film, in [0,1], row by row [8, 8]. The map covers the box that was read. */
export type Cells = Float64Array;

/**
 * What of a box lies on a picture, cell by cell. Outside of the picture there is only its edge, repeated, which says
 * nothing of the patient (training/PREPROCESSING.md section 5).
 * @param box in pixels of the picture; a part of it lies on the picture
 */
export function cellsShown(
  picture: { readonly width: number; readonly height: number },
  box: PictureBox,
): Cells {
  const across = partsShown(box.x0, box.x1, picture.width);
  const down = partsShown(box.y0, box.y1, picture.height);
  return Float64Array.from(
    { length: AREA },
    (_, i) => (down[Math.floor(i / MAP_SIDE)] as number) * (across[i % MAP_SIDE] as number),
  );
}

/** How much of each of the equal parts from `start` to `end` lies between 0 and `length`. */
function partsShown(start: number, end: number, length: number): number[] {
  const part = (end - start) / MAP_SIDE;
  const edge = (i: number) => Math.min(Math.max(start + part * i, 0), length);
  return Array.from({ length: MAP_SIDE }, (_, i) => (edge(i + 1) - edge(i)) / part);
}

/** The share of the box that lies on the picture, in (0,1]. */
export function shareShown(cells: Cells): number {
  return total(cells) / AREA;
}

/**
 * The features of a film: the mean of each plane of the last map over what of it is film. A plate that shows half of
 * a thorax is judged by that half.
 * @param featureMap [features, 8, 8] of one film
 */
export function pooledFeatures(featureMap: Float32Array, cells: Cells): Float32Array {
  const whole = total(cells);
  const features = new Float32Array(featureMap.length / AREA);
  for (let k = 0; k < features.length; k += 1) {
    const plane = k * AREA;
    let sum = 0;
    for (let i = 0; i < AREA; i += 1) sum += (featureMap[plane + i] as number) * (cells[i] as number);
    features[k] = sum / whole;
  }
  return features;
}

function total(cells: Cells): number {
  return cells.reduce((sum, share) => sum + share, 0);
}
