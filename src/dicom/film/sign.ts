import { type DicomDataset, items, number } from '../dataset.ts';
import type { Remark } from './film.ts';
import type { StoredValues } from './stored-values.ts';

/**
 * Mends films that say they are signed and are not. Read as signed, their bright half would turn negative, the
 * darkest of all: such a film has pixels on both sides of the sign's border without a gap, and a window that
 * reaches values which signed pixels cannot have. Both must hold.
 */
export function unwrapped(
  histogram: Uint32Array,
  stored: StoredValues,
  dataset: DicomDataset,
): { readonly stored: StoredValues; readonly remarks: readonly Remark[] } {
  const asDeclared = { stored, remarks: [] };
  // A VOI LUT is shown before any window, so the window says nothing then.
  if (!stored.signed || items(dataset, '00283010').length > 0) return asDeclared;
  const centre = number(dataset, '00281050');
  const width = number(dataset, '00281051');
  if (centre === undefined || width === undefined) return asDeclared;
  const slope = number(dataset, '00281053') || 1;
  const intercept = number(dataset, '00281052') ?? 0;
  const reach = (centre + width / 2 - intercept) / slope;
  const border = stored.codes / 2;
  if (reach <= border * 1.05 || !isBridged(histogram, border)) return asDeclared;
  return {
    stored: { ...stored, signed: false },
    remarks: [
      {
        code: 'sign',
        message: 'The header says signed pixels, window and pixels say unsigned; they were read as that.',
      },
    ],
  };
}

/** Pixels within a hundredth of the range on either side of the border. */
function isBridged(histogram: Uint32Array, border: number): boolean {
  const reach = Math.max(2, Math.round(histogram.length / 100));
  const occurs = (from: number, to: number) => histogram.subarray(from, to).some((count) => count > 0);
  return occurs(border - reach, border) && occurs(border, border + reach);
}
