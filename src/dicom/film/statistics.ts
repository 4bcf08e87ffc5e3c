import type { VisibleColumns } from './shutter.ts';
import type { StoredValues } from './stored-values.ts';

/** Cells of a film in rows. */
export interface Cells {
  readonly rows: number;
  readonly columns: number;
  readonly samples: Uint8Array | Uint16Array;
}

/** Pixels looked at are about this many: percentiles need no more, and the pass stays within a millisecond. */
const SAMPLED = 400_000;

/** How often each code occurs among evenly spaced visible pixels that are not padding. */
export function histogramOf(
  { rows, columns, samples }: Cells,
  { codes, shift }: StoredValues,
  padding: Uint8Array | undefined,
  visible: VisibleColumns | undefined,
): Uint32Array {
  const step = Math.max(1, Math.floor(Math.sqrt((rows * columns) / SAMPLED)));
  const histogram = new Uint32Array(codes);
  const mask = codes - 1;
  const whole = [[0, columns]] as const;
  for (let row = step >> 1; row < rows; row += step) {
    const base = row * columns;
    for (const [start, end] of visible?.(row) ?? whole) {
      for (let column = start + (step >> 1); column < end; column += step) {
        const code = ((samples[base + column] ?? 0) >> shift) & mask;
        histogram[code] = (histogram[code] ?? 0) + 1;
      }
    }
  }
  if (padding !== undefined) {
    for (let code = 0; code < codes; code++) if (padding[code] === 1) histogram[code] = 0;
  }
  return histogram;
}

/**
 * The modality values at or below which these fractions of the pixels lie.
 * @param values modality value of each code.
 * @param fractions ascending, each 0 to 1.
 * @returns one value a fraction, ascending; undefined when the histogram is empty.
 */
export function quantiles(
  histogram: Uint32Array,
  values: Float64Array,
  fractions: readonly number[],
): readonly number[] | undefined {
  const present: number[] = [];
  let total = 0;
  for (let code = 0; code < histogram.length; code++) {
    const count = histogram[code] ?? 0;
    if (count === 0) continue;
    present.push(code);
    total += count;
  }
  if (total === 0) return undefined;
  if (!ascend(present, values)) present.sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  let next = 0;
  let seen = histogram[present[0] ?? 0] ?? 0;
  return fractions.map((fraction) => {
    while (seen < fraction * total && next < present.length - 1) {
      next += 1;
      seen += histogram[present[next] ?? 0] ?? 0;
    }
    return values[present[next] ?? 0] ?? 0;
  });
}

/** Whether values rise with their codes, as they do without a modality table: then there is nothing to sort. */
function ascend(codes: readonly number[], values: Float64Array): boolean {
  let before = Number.NEGATIVE_INFINITY;
  for (const code of codes) {
    const value = values[code] ?? 0;
    if (value < before) return false;
    before = value;
  }
  return true;
}
