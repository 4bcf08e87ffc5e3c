import { type DicomDataset, items, number } from '../dataset.ts';
import type { Remark } from './film.ts';
import { lookUp, readLookupTable } from './lut.ts';
import { type StoredValues, storedValue } from './stored-values.ts';

/**
 * The modality value of every code (PS3.3 C.11.1): through the Modality LUT, or rescaled, or as it is.
 */
export function modalityValues(
  dataset: DicomDataset,
  stored: StoredValues,
): { readonly values: Float64Array; readonly remarks: readonly Remark[] } {
  const values = new Float64Array(stored.codes);
  const remarks: Remark[] = [];
  const [item] = items(dataset, '00283000');
  if (item !== undefined) {
    const table = readLookupTable(item, stored.signed);
    if (table !== undefined) {
      for (let code = 0; code < stored.codes; code++) values[code] = lookUp(table, storedValue(code, stored));
      return { values, remarks };
    }
    remarks.push({
      code: 'modality=lut-damaged',
      message: 'The Modality LUT is damaged; stored values were used without it.',
    });
  }
  let slope = number(dataset, '00281053') ?? 1;
  const intercept = number(dataset, '00281052') ?? 0;
  if (slope === 0) {
    slope = 1;
    remarks.push({ code: 'modality=slope-zero', message: 'Rescale Slope is zero; 1 was taken.' });
  }
  for (let code = 0; code < stored.codes; code++)
    values[code] = slope * storedValue(code, stored) + intercept;
  return { values, remarks };
}
