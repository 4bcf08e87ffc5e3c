import type { GrayPicture } from './film.ts';
import type { Turn } from './orientation.ts';
import type { VisibleColumns } from './shutter.ts';
import type { Cells } from './statistics.ts';

/**
 * The one pass over the pixels: cell to grey, the mean of `factor` × `factor` greys (fewer at the right and lower
 * edge), and to its place in the turned picture. What is not visible is black.
 * @param table the grey of every possible cell.
 */
export function layDown(
  cells: Cells,
  table: Uint8Array,
  turn: Turn,
  visible: VisibleColumns | undefined,
  factor = 1,
): GrayPicture {
  const columns = Math.ceil(cells.columns / factor);
  const rows = Math.ceil(cells.rows / factor);
  const width = turn.swap ? rows : columns;
  const height = turn.swap ? columns : rows;
  const pixels = new Uint8Array(width * height);
  const stepColumn = (turn.flipColumns ? -1 : 1) * (turn.swap ? width : 1);
  const stepRow = (turn.flipRows ? -1 : 1) * (turn.swap ? 1 : width);
  const origin =
    (stepColumn < 0 ? -stepColumn * (columns - 1) : 0) + (stepRow < 0 ? -stepRow * (rows - 1) : 0);
  const whole = [[0, cells.columns]] as const;
  const lastFactor = cells.columns % factor || factor;
  const line = new Uint32Array(columns);
  const isCopy = factor === 1 && stepColumn === 1 && cells.samples instanceof Uint8Array && isIdentity(table);
  for (let row = 0; row < rows; row++) {
    const to = origin + row * stepRow;
    const first = row * factor;
    const last = Math.min(first + factor, cells.rows);
    if (factor === 2 && visible === undefined && last === first + 2) {
      placePairs(cells, first, table, pixels, to, stepColumn);
      continue;
    }
    if (factor > 1) line.fill(0);
    for (let from = first; from < last; from++) {
      for (const [start, end] of visible?.(from) ?? whole) {
        if (isCopy) {
          pixels.set(
            cells.samples.subarray(from * cells.columns + start, from * cells.columns + end),
            to + start,
          );
        } else if (factor === 1) placeStretch(cells, from, start, end, table, pixels, to, stepColumn);
        else addStretch(cells, from, start, end, table, line, factor);
      }
    }
    if (factor > 1) placeMeans(line, last - first, factor, lastFactor, pixels, to, stepColumn);
  }
  return { width, height, pixels };
}

/** Writes the greys of the columns [start, end) of a row. */
function placeStretch(
  { samples, columns }: Cells,
  row: number,
  start: number,
  end: number,
  table: Uint8Array,
  pixels: Uint8Array,
  to: number,
  step: number,
): void {
  const first = row * columns;
  let at = to + start * step;
  for (let from = first + start, last = first + end; from < last; from++, at += step) {
    pixels[at] = table[samples[from] as number] as number;
  }
}

/** Whether cells are greys already, as those of 8 bits with their usual window are. */
function isIdentity(table: Uint8Array): boolean {
  return table.every((grey, cell) => grey === cell);
}

/** Writes the means of 2 × 2 greys of two whole rows; an odd last column is the mean of its two. */
function placePairs(
  { samples, columns }: Cells,
  row: number,
  table: Uint8Array,
  pixels: Uint8Array,
  to: number,
  step: number,
): void {
  let upper = row * columns;
  let lower = upper + columns;
  let at = to;
  for (const end = upper + columns - 1; upper < end; upper += 2, lower += 2, at += step) {
    const above =
      (table[samples[upper] as number] as number) + (table[samples[upper + 1] as number] as number);
    const below =
      (table[samples[lower] as number] as number) + (table[samples[lower + 1] as number] as number);
    pixels[at] = (above + below + 2) >> 2;
  }
  if (columns % 2 === 1) {
    pixels[at] =
      ((table[samples[upper] as number] as number) + (table[samples[lower] as number] as number) + 1) >> 1;
  }
}

/** Adds the greys of the columns [start, end) of a row to the sums that they belong to. */
function addStretch(
  { samples, columns }: Cells,
  row: number,
  start: number,
  end: number,
  table: Uint8Array,
  line: Uint32Array,
  factor: number,
): void {
  const from = row * columns;
  const shift = 31 - Math.clz32(factor);
  for (let column = start; column < end; column++) {
    const at = column >> shift;
    line[at] = (line[at] as number) + (table[samples[from + column] as number] as number);
  }
}

/** Writes means, rounded, of sums over `height` × `width` cells; the last is of fewer columns. */
function placeMeans(
  line: Uint32Array,
  height: number,
  width: number,
  lastWidth: number,
  pixels: Uint8Array,
  to: number,
  step: number,
): void {
  const final = line.length - 1;
  const count = height * width;
  const half = count >> 1;
  const share = 1 / count;
  let at = to;
  for (let column = 0; column < final; column++, at += step) {
    // The half of a share keeps whole means whole where a share is no power of two.
    pixels[at] = ((line[column] as number) + half + 0.5) * share;
  }
  pixels[at] = Math.floor((line[final] as number) / (height * lastWidth) + 0.5);
}
