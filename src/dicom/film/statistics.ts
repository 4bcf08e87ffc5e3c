import type { VisibleColumns } from './shutter.ts';
import type { StoredValues } from './stored-values.ts';
import type { ValueRange } from './voi.ts';

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
 * The modality values below which the fractions `low` and `high` of the pixels lie.
 * @param values modality value of each code.
 * @returns undefined when the histogram is empty.
 */
export function percentiles(
  histogram: Uint32Array,
  values: Float64Array,
  low: number,
  high: number,
): ValueRange | undefined {
  const present: number[] = [];
  let total = 0;
  for (let code = 0; code < histogram.length; code++) {
    const count = histogram[code] ?? 0;
    if (count === 0) continue;
    present.push(code);
    total += count;
  }
  if (total === 0) return undefined;
  present.sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const at = (fraction: number): number => {
    let seen = 0;
    for (const code of present) {
      seen += histogram[code] ?? 0;
      if (seen >= fraction * total) return values[code] ?? 0;
    }
    return values[present.at(-1) ?? 0] ?? 0;
  };
  return { low: at(low), high: at(high) };
}
