import { type DicomDataset, texts } from '../dataset.ts';
import type { PictureToFilm, Remark } from './film.ts';

/**
 * One of the eight ways to lay a film down. Without `swap` a film's column runs along the picture's x and its
 * row along y, with it the other way round; `flipColumns` and `flipRows` turn their direction.
 */
export interface Turn {
  readonly swap: boolean;
  readonly flipColumns: boolean;
  readonly flipRows: boolean;
}

const UPRIGHT: Turn = { swap: false, flipColumns: false, flipRows: false };

/**
 * How the film is laid down for Patient Orientation L\F (PS3.3 C.7.6.1.1.1): patient's left on the right of the
 * picture, feet below. Directions between two axes count as the first of them.
 */
export function turnOf(dataset: DicomDataset): { readonly turn: Turn; readonly remarks: readonly Remark[] } {
  const [alongRow = '', alongColumn = ''] = texts(dataset, '00200020').map((value) => value.toUpperCase());
  const across = alongRow.charAt(0);
  const down = alongColumn.charAt(0);
  const oblique: Remark = {
    code: 'orientation=oblique',
    message: 'Patient Orientation is not that of a frontal film turned by right angles.',
  };
  const remarks = alongRow.length > 1 || alongColumn.length > 1 ? [oblique] : [];
  if ('LR'.includes(across) && 'FH'.includes(down) && across !== '' && down !== '') {
    return { turn: { swap: false, flipColumns: across === 'R', flipRows: down === 'H' }, remarks };
  }
  if ('FH'.includes(across) && 'LR'.includes(down) && across !== '' && down !== '') {
    return { turn: { swap: true, flipColumns: across === 'H', flipRows: down === 'R' }, remarks };
  }
  if (across === '' && down === '') {
    const message =
      'The film does not say how the patient lies in it; it was taken as upright, his right on the left.';
    return { turn: UPRIGHT, remarks: [{ code: 'orientation=assumed', message }] };
  }
  return { turn: UPRIGHT, remarks: [oblique] };
}

/** The turn that the Orientation tag of EXIF (1 to 8) asks for. */
export function turnOfExif(orientation: number): Turn {
  return {
    swap: orientation >= 5,
    flipColumns: [2, 3, 7, 8].includes(orientation),
    flipRows: [3, 4, 6, 7].includes(orientation),
  };
}

/**
 * The map from a picture of `width` × `height`, made from a film of `columns` × `rows` by this turn and then
 * scaled, back to the film.
 */
export function pictureToFilm(
  turn: Turn,
  picture: { readonly width: number; readonly height: number },
  film: { readonly columns: number; readonly rows: number },
): PictureToFilm {
  const alongColumns = film.columns / (turn.swap ? picture.height : picture.width);
  const alongRows = film.rows / (turn.swap ? picture.width : picture.height);
  const column = turn.flipColumns ? -alongColumns : alongColumns;
  const row = turn.flipRows ? -alongRows : alongRows;
  return {
    a: turn.swap ? 0 : column,
    b: turn.swap ? column : 0,
    c: turn.flipColumns ? film.columns : 0,
    d: turn.swap ? row : 0,
    e: turn.swap ? 0 : row,
    f: turn.flipRows ? film.rows : 0,
  };
}
