import { text } from '../../dicom/dataset.ts';
import type { Film } from '../../dicom/film/film.ts';
import { ageOf } from '../age.ts';

/** What results are broken down by. */
export const DIMENSIONS = ['age', 'sex', 'view', 'manufacturer', 'size', 'shape', 'part'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** What of a film sorts it into groups; rows and columns are 0 where they are not known. */
export type GroupedFilm = Pick<Film, 'dataset' | 'rows' | 'columns'> & { readonly view: string };

/** The group of a film in each dimension; `unknown` where the header does not tell. */
export type Groups = Readonly<Record<Dimension, string>>;

export function groupsOf(film: GroupedFilm, part: string | undefined): Groups {
  const sex = text(film.dataset, '00100040')?.toUpperCase();
  return {
    age: ageBand(ageOf(film.dataset)),
    sex: sex === 'M' || sex === 'F' || sex === 'O' ? sex : 'unknown',
    view: film.view,
    manufacturer: text(film.dataset, '00080070') ?? 'unknown',
    size: sizeBand(Math.max(film.rows, film.columns)),
    shape: film.rows === 0 ? 'unknown' : shapeBand(film.columns / film.rows),
    part: part ?? 'unknown',
  };
}

function ageBand(years: number | undefined): string {
  if (years === undefined) return 'unknown';
  if (years < 1) return 'under 1 year';
  if (years < 6) return '1 to 5 years';
  if (years < 18) return '6 to 17 years';
  return years < 65 ? '18 to 64 years' : '65 years and over';
}

function sizeBand(longSide: number): string {
  if (longSide === 0) return 'unknown';
  if (longSide < 512) return 'long side under 512';
  if (longSide < 1024) return 'long side 512 to 1023';
  return longSide < 2048 ? 'long side 1024 to 2047' : 'long side 2048 and over';
}

function shapeBand(ratio: number): string {
  if (ratio < 0.95) return 'upright';
  if (ratio <= 1.05) return 'square';
  return ratio < 1.35 ? 'wide, under 1.35' : 'wide, 1.35 and over';
}
