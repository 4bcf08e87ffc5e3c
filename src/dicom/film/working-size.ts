/**
 * Pixels that the shorter side of a picture keeps when a large film is reduced. The network sees 299 and the heat
 * map draws at most about 1,000 of them; what is finer only costs time.
 */
export const WORKING_SIDE = 1000;

/** The power of two by which both sides are divided so that the shorter one keeps so many pixels. */
export function reductionTo(
  shorterSide: number,
  { rows, columns }: { readonly rows: number; readonly columns: number },
): number {
  let factor = 1;
  while (Math.min(rows, columns) / (2 * factor) >= shorterSide) factor *= 2;
  return factor;
}
