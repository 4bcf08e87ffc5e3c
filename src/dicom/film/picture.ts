import { DeepHealthError } from '../../errors/error.ts';
import type { Decoder } from './decode/decoder.ts';
import type { Film, Remark } from './film.ts';
import { layDown } from './lay-down.ts';
import { DEFAULT_FILM_LIMITS, type FilmLimits } from './limits.ts';
import { pictureToFilm, turnOfExif } from './orientation.ts';
import type { PictureHeader } from './picture/header.ts';
import { readJpegPicture } from './picture/jpeg.ts';
import { readPng } from './picture/png.ts';
import { polarityRemarks } from './polarity.ts';
import { histogramOf, quantiles } from './statistics.ts';

/** More colour than in this share of the pixels is not a grey picture with JPEG noise or a coloured mark. */
const COLOUR_SHARE = 0.01;

/** What the first bytes say a picture file is. */
export function pictureFormat(bytes: Uint8Array): 'jpeg' | 'png' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  return png.every((byte, i) => bytes[i] === byte) ? 'png' : undefined;
}

/**
 * Opens a film that is a JPEG or PNG file: upright by EXIF, transparent parts black, nearly grey colours as
 * luma, 16 bits by their own range where they leave most of theirs empty. Nothing native touches its bytes but
 * zlib: headers and PNG are read here, JPEG by the WebAssembly codecs, both in worker threads
 * (docs/decisions/0150).
 *
 * @throws DeepHealthError `picture.undecodable`, `pixel.*`, `film.colour`, `film.blank`.
 */
export async function openPicture(
  bytes: Uint8Array,
  decoder: Decoder,
  limits: Partial<FilmLimits> = {},
): Promise<Omit<Film, 'timings'>> {
  const { pixels: mostPixels } = { ...DEFAULT_FILM_LIMITS, ...limits };
  const header = pictureFormat(bytes) === 'png' ? readPng(bytes) : readJpegPicture(bytes);
  const { rows, columns, orientation } = header;
  if (columns * rows > mostPixels) {
    throw new DeepHealthError('pixel.too-large', `The picture has ${columns} × ${rows} pixels.`);
  }
  const { samples, coloured } = await decoded(decoder.decodePicture(bytes, header));
  if (coloured > COLOUR_SHARE * samples.length) throw new DeepHealthError('film.colour');
  const remarks = remarksOn(header);
  const { table, remark } = tableFor(samples, rows, columns);
  if (remark !== undefined) remarks.push(remark);
  const turn = turnOfExif(orientation);
  const picture = layDown({ rows, columns, samples }, table, turn, undefined);
  remarks.push(...polarityRemarks(picture, header.channels % 2 === 0));
  return {
    kind: 'picture',
    dataset: {},
    picture,
    toFilm: pictureToFilm(turn, picture, { rows, columns }),
    rows,
    columns,
    view: 'unknown',
    remarks,
  };
}

/** The codecs speak of frames; here they refuse a file. */
async function decoded<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof DeepHealthError) || cause.code !== 'pixel.undecodable') throw cause;
    throw new DeepHealthError('picture.undecodable', undefined, { cause });
  }
}

function remarksOn({ codec, greyProfile }: PictureHeader): Remark[] {
  const remarks: Remark[] = [];
  if (codec === 'jpeg') {
    remarks.push({ code: 'lossy', message: 'The film is a JPEG picture, compressed with loss.' });
  }
  if (greyProfile) {
    remarks.push({
      code: 'grey-profile',
      message: 'The picture brings a profile for its greys, which was not applied.',
    });
  }
  return remarks;
}

/** Cells to greys: 8 bits as they are; 16 bits scaled, by their own range when they leave half of theirs empty. */
function tableFor(
  samples: Uint8Array | Uint16Array,
  rows: number,
  columns: number,
): { table: Uint8Array; remark?: Remark } {
  const codes = samples instanceof Uint8Array ? 256 : 65_536;
  const values = Float64Array.from({ length: codes }, (_, code) => code);
  const histogram = histogramOf(
    { rows, columns, samples },
    { codes, shift: 0, signed: false },
    undefined,
    undefined,
  );
  const [least = 0, low = 0, high = 0, most = 0] = quantiles(histogram, values, [0, 0.005, 0.995, 1]) ?? [];
  if (least === most) throw new DeepHealthError('film.blank');
  const auto = codes === 65_536 && most < codes / 2 && high > low;
  const black = auto ? low : 0;
  const white = auto ? high : codes - 1;
  const table = Uint8Array.from(values, (value) =>
    Math.round(255 * Math.min(1, Math.max(0, (value - black) / (white - black)))),
  );
  if (!auto) return { table };
  const message = 'The picture uses less than half of its 16 bits; the range of its pixels was used.';
  return { table, remark: { code: 'voi=auto', message } };
}
