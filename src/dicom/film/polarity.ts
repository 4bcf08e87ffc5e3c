import type { GrayPicture, Remark } from './film.ts';

/** See below; written after measuring. */
export function polarityRemarks(_picture: GrayPicture): readonly Remark[] {
  return [];
}
