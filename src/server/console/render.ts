import type { GrayPicture } from '../../dicom/film/film.ts';

/** Longer side of a film in the console, in pixels: enough to see what the heat map points at. */
const LONG_SIDE = 1000;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A film as a page shows it: PNG files of the same size that lie over each other. */
export interface RenderedFilm {
  readonly width: number;
  readonly height: number;
  readonly film: Uint8Array;
  /** The film under its activation map; null when there is none that fits. */
  readonly heatMap: Uint8Array | null;
}

/** A coloured picture and where the film lies in it. */
export interface ColouredFilm {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  readonly film: Box;
}

/** Draws a display-ready film, and its heat map without the legend, at the size of the console. */
export async function renderFilm(picture: GrayPicture, coloured: ColouredFilm | null): Promise<RenderedFilm> {
  const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
  const size = {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  };
  const { default: sharp } = await import('sharp');
  const grey = sharp(picture.pixels, {
    raw: { width: picture.width, height: picture.height, channels: 1 },
    limitInputPixels: false,
  });
  const film = await grey
    .resize({ ...size, fit: 'fill' })
    .toColourspace('b-w')
    .png({ compressionLevel: 6 })
    .toBuffer();
  return { ...size, film, heatMap: coloured === null ? null : await cutOut(coloured, size) };
}

async function cutOut(coloured: ColouredFilm, size: { width: number; height: number }): Promise<Uint8Array> {
  const { width, height, rgb, film } = coloured;
  const { x: left, y: top } = film;
  const { default: sharp } = await import('sharp');
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .extract({ left, top, width: film.width, height: film.height })
    .resize({ ...size, fit: 'fill' })
    .png({ compressionLevel: 6 })
    .toBuffer();
}
