import { type DicomDataset, number, numbers, texts } from '../dataset.ts';

/**
 * The part of a film inside a shutter: for a row, the columns [start, end) of each visible stretch, ascending.
 */
export type VisibleColumns = (row: number) => readonly (readonly [number, number])[];

/** Tags of Display Shutter (PS3.3 C.7.6.11) and X-Ray Collimator (C.8.7.3), which are built alike. */
const SHUTTER = '001816';
const COLLIMATOR = '001817';

/** What the display shutter leaves; undefined when there is none or it is no sound one. */
export function shutter(dataset: DicomDataset, rows: number, columns: number): VisibleColumns | undefined {
  return aperture(dataset, SHUTTER, rows, columns);
}

/** What the collimator let through. */
export function collimator(dataset: DicomDataset, rows: number, columns: number): VisibleColumns | undefined {
  return aperture(dataset, COLLIMATOR, rows, columns);
}

/** A hand-drawn shutter has a dozen corners; all of them are looked at in every row. */
const MOST_VERTICES = 256;

type Stretches = readonly (readonly [number, number])[];

/** Edges are pixels counted from 1 that are still visible; several shapes show what all of them leave. */
function aperture(
  dataset: DicomDataset,
  tags: string,
  rows: number,
  columns: number,
): VisibleColumns | undefined {
  const shapes = texts(dataset, `${tags}00`).map((shape) => shape.toUpperCase());
  const parts: VisibleColumns[] = [];
  if (shapes.includes('RECTANGULAR')) {
    const edges = ['02', '04', '06', '08'].map((element) => number(dataset, tags + element));
    const [left, right, upper, lower] = edges;
    if (left !== undefined && right !== undefined && upper !== undefined && lower !== undefined) {
      parts.push((row) => (row + 1 >= upper && row + 1 <= lower ? [[left - 1, right]] : []));
    }
  }
  if (shapes.includes('CIRCULAR')) {
    const [centreRow, centreColumn] = numbers(dataset, `${tags}10`);
    const radius = number(dataset, `${tags}12`);
    if (centreRow !== undefined && centreColumn !== undefined && radius !== undefined && radius > 0) {
      parts.push((row) => {
        const square = radius ** 2 - (row + 1 - centreRow) ** 2;
        if (square < 0) return [];
        const half = Math.sqrt(square);
        return [[Math.ceil(centreColumn - half) - 1, Math.floor(centreColumn + half)]];
      });
    }
  }
  if (shapes.includes('POLYGONAL')) {
    const vertices = numbers(dataset, `${tags}20`);
    if (vertices.length >= 6 && vertices.length <= 2 * MOST_VERTICES)
      parts.push((row) => insidePolygon(vertices, row + 1));
  }
  if (parts.length === 0) return undefined;
  const visible: VisibleColumns = (row) => {
    let stretches: Stretches = [[0, columns]];
    for (const part of parts) stretches = common(stretches, whole(part(row)));
    return stretches;
  };
  return covers(visible, rows, columns) ? visible : undefined;
}

/** A shutter that leaves less than a tenth of the film was not meant for it. */
function covers(visible: VisibleColumns, rows: number, columns: number): boolean {
  let pixels = 0;
  for (let row = 0; row < rows; row++) for (const [start, end] of visible(row)) pixels += end - start;
  return pixels >= 0.1 * rows * columns;
}

/** Columns inside a polygon given as row\column pairs, by the even-odd rule at the middle of a row. */
function insidePolygon(vertices: readonly number[], row: number): Stretches {
  const crossings: number[] = [];
  const count = vertices.length >> 1;
  for (let i = 0; i < count; i++) {
    const j = (i + 1) % count;
    const [r0, c0, r1, c1] = [vertices[2 * i], vertices[2 * i + 1], vertices[2 * j], vertices[2 * j + 1]];
    if (r0 === undefined || c0 === undefined || r1 === undefined || c1 === undefined) continue;
    if (r0 <= row === r1 <= row) continue;
    crossings.push(c0 + ((row - r0) / (r1 - r0)) * (c1 - c0));
  }
  crossings.sort((a, b) => a - b);
  const stretches: [number, number][] = [];
  for (let i = 0; i + 1 < crossings.length; i += 2) {
    stretches.push([Math.ceil(crossings[i] ?? 0) - 1, Math.floor(crossings[i + 1] ?? 0)]);
  }
  return stretches;
}

/**
 * What two rows of stretches have in common, both ascending and apart. Each is passed once: compared one by one, two
 * polygons with a thousand corners held up the service for a minute a megapixel.
 */
export function common(one: Stretches, other: Stretches): Stretches {
  const found: [number, number][] = [];
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    const [start = 0, end = 0] = one[i] ?? [];
    const [from = 0, to = 0] = other[j] ?? [];
    const low = Math.max(start, from);
    const high = Math.min(end, to);
    if (low < high) found.push([low, high]);
    if (end < to) i++;
    else j++;
  }
  return found;
}

/** Whole columns, ascending and apart. */
function whole(stretches: Stretches): Stretches {
  const found: [number, number][] = [];
  for (const [from, to] of stretches) {
    const last = found.at(-1);
    const start = Math.max(Math.round(from), last?.[1] ?? Number.NEGATIVE_INFINITY);
    const end = Math.round(to);
    if (start < end) found.push([start, end]);
  }
  return found;
}
