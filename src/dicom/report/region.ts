import type { PictureBox } from '../../ai/reading.ts';
import type { Film } from '../film/film.ts';
import type { FilmIdentity } from './identity.ts';

/**
 * The box that was fed to the model as a closed outline in the columns and rows of the stored film (PS3.3
 * C.18.6.1.1: 0\0 is the outer corner of the top left pixel), clipped to the film and rounded to hundredths.
 * A picture file is stored as its display-ready picture, so there the box needs no mapping.
 */
export function regionOn(
  film: Film,
  box: PictureBox,
  { rows, columns }: FilmIdentity,
): (readonly [number, number])[] {
  const { a, b, c, d, e, f } = film.kind === 'picture' ? { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 } : film.toFilm;
  const corners = [
    [box.x0, box.y0],
    [box.x1, box.y0],
    [box.x1, box.y1],
    [box.x0, box.y1],
    [box.x0, box.y0],
  ] as const;
  return corners.map(
    ([x, y]) => [within(a * x + b * y + c, columns), within(d * x + e * y + f, rows)] as const,
  );
}

function within(value: number, size: number): number {
  // Adding 0 turns -0 into 0.
  return Math.round(Math.min(Math.max(value, 0), size) * 100) / 100 + 0;
}
