import type { DicomDataset } from '../dataset.ts';

/**
 * A grey picture ready for display: row-major, one byte a pixel, 0 black to 255 white, bone bright, square
 * pixels, patient's right on the picture's left (PatientOrientation L\F).
 */
export interface GrayPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/**
 * Affine map from picture coordinates (x right, y down, pixel edges: 0..width, 0..height) to the stored
 * film's (column, row) in the same convention: column = a·x + b·y + c, row = d·x + e·y + f.
 */
export interface PictureToFilm {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

/** Something about the film that a reader of the result has to know; `code` is stable, `message` a sentence. */
export interface Remark {
  readonly code: string;
  readonly message: string;
}

/** A film that was opened, found to be a frontal chest film, and made display-ready. */
export interface Film {
  /** `picture`: a JPEG or PNG file without a header. */
  readonly kind: 'dicom' | 'picture';
  /** The header without pixel data, text decoded; empty for a picture. */
  readonly dataset: DicomDataset;
  readonly picture: GrayPicture;
  readonly toFilm: PictureToFilm;
  /** Rows and columns as stored. */
  readonly rows: number;
  readonly columns: number;
  /** Projection as far as the header tells. */
  readonly view: 'PA' | 'AP' | 'frontal' | 'unknown';
  /** What the pipeline had to assume or found odd (`polarity`, `voi=auto`, `lossy`, ...). */
  readonly remarks: readonly Remark[];
  /** Milliseconds spent. */
  readonly timings: { readonly read: number; readonly decode: number };
}
