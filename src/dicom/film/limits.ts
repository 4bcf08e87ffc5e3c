/** What a file may cost before it is refused. */
export interface FilmLimits {
  /** Bytes of a file as it came. */
  readonly fileBytes: number;
  /** Bytes of a deflated dataset once inflated. */
  readonly inflatedBytes: number;
  /** Elements and sequence items of a file, nested ones included. */
  readonly elements: number;
  /** Bytes of text and numbers in a header (binary values stay views of the file and cost nothing). */
  readonly headerBytes: number;
  /** Sequences within sequences. */
  readonly depth: number;
  /** Rows × columns, of DICOM files and pictures. */
  readonly pixels: number;
}

/**
 * Room for the largest films in use and no more: a 43 cm plate at 100 µm has 18 million pixels of two bytes,
 * a header some hundred elements (a structured report some ten thousand).
 */
export const DEFAULT_FILM_LIMITS: FilmLimits = {
  fileBytes: 200 * 2 ** 20,
  inflatedBytes: 200 * 2 ** 20,
  elements: 100_000,
  headerBytes: 8 * 2 ** 20,
  depth: 32,
  pixels: 48 * 2 ** 20,
};
