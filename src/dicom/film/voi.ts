import { type DicomDataset, items, numbers, text } from '../dataset.ts';
import type { Remark } from './film.ts';
import { lookUp, readLookupTable } from './lut.ts';

/** Takes a modality value to 0 (minimum of the display) to 1 (maximum). */
export type Voi = (value: number) => number;

/** Less of the display's range than this between the film's ends shows nothing: no film is as flat. */
const LEAST_CONTRAST = 0.1;
/** Tables and windows that are tried: each costs its length, and a film brings a handful. */
const MOST_TRIED = 64;
/** Neither black nor white lies between these. */
const GREY = { above: 0.02, below: 0.98 };
/** A smaller share of the film in grey is a silhouette. */
const LEAST_GREY = 0.1;

/**
 * The values of interest (PS3.3 C.11.2): the first VOI LUT that is sound, else the first window that is, else
 * (none given, or none that shows the film's values) a linear window over the film's own range.
 * @param typical evenly spaced quantiles of the film's values, ascending, without padding and shutters; the
 * first and last are the ends of its own range.
 * @param signed whether modality values can be negative.
 */
export function valuesOfInterest(
  dataset: DicomDataset,
  typical: readonly number[],
  signed: boolean,
): { readonly voi: Voi; readonly remarks: readonly Remark[] } {
  const remarks: Remark[] = [];
  const [low = 0] = typical;
  const high = typical.at(-1) ?? low;
  const shows = (voi: Voi): boolean => {
    const grey = typical.filter((value) => voi(value) > GREY.above && voi(value) < GREY.below);
    return Math.abs(voi(high) - voi(low)) >= LEAST_CONTRAST && grey.length >= LEAST_GREY * typical.length;
  };
  const tables = items(dataset, '00283010');
  for (const item of tables.slice(0, MOST_TRIED)) {
    const table = readLookupTable(item, signed);
    if (table === undefined) continue;
    const voi: Voi = (value) => lookUp(table, value) / table.maximum;
    if (shows(voi)) return { voi, remarks };
  }
  if (tables.length > 0) {
    remarks.push({
      code: 'voi=lut-damaged',
      message: 'The VOI LUT is damaged or shows nothing; it was left out.',
    });
  }
  const centres = numbers(dataset, '00281050');
  const widths = numbers(dataset, '00281051');
  const shape = text(dataset, '00281056')?.toUpperCase() ?? 'LINEAR';
  for (let i = 0; i < Math.min(centres.length, widths.length, MOST_TRIED); i++) {
    const voi = windowed(centres[i] ?? 0, widths[i] ?? 0, shape);
    if (voi !== undefined && shows(voi)) return { voi, remarks };
  }
  const given = tables.length > 0 || centres.length > 0;
  remarks.push({
    code: 'voi=auto',
    message: given
      ? 'The stored window does not show the film; the range of its pixels was used.'
      : 'The film has no window; the range of its pixels was used.',
  });
  return { voi: spread(low, high), remarks };
}

/** PS3.3 C.11.2.1.2 and C.11.2.1.3; undefined for a width that the function does not allow or that shows a step. */
function windowed(centre: number, width: number, shape: string): Voi | undefined {
  if (shape === 'SIGMOID') {
    return width > 0 ? (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width)) : undefined;
  }
  if (shape === 'LINEAR_EXACT') {
    return width > 0 ? (value) => clamped((value - centre) / width + 0.5) : undefined;
  }
  if (width <= 1) return undefined;
  return (value) => clamped((value - (centre - 0.5)) / (width - 1) + 0.5);
}

function spread(low: number, high: number): Voi {
  const width = high - low;
  return width > 0 ? (value) => clamped((value - low) / width) : (value) => (value < low ? 0 : 1);
}

function clamped(fraction: number): number {
  return Math.min(1, Math.max(0, fraction));
}
