import { DeepHealthError } from '../../errors/error.ts';
import type { Film, Remark } from './film.ts';
import { layDown } from './lay-down.ts';
import { DEFAULT_FILM_LIMITS, type FilmLimits } from './limits.ts';
import { pictureToFilm, turnOfExif } from './orientation.ts';
import { polarityRemarks } from './polarity.ts';
import { histogramOf, quantiles } from './statistics.ts';

/** Channels further apart than this are colour. */
const GREY_TOLERANCE = 24;
/** More colour than in this share of the pixels is not a grey picture with JPEG noise or a coloured mark. */
const COLOUR_SHARE = 0.01;

/** Longer than this takes no picture within the limit of pixels. */
const DECODE_SECONDS = 30;

/** What the first bytes say a picture file is. */
export function pictureFormat(bytes: Uint8Array): 'jpeg' | 'png' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  return png.every((byte, i) => bytes[i] === byte) ? 'png' : undefined;
}

/**
 * Opens a film that is a JPEG or PNG file: upright by EXIF, transparent parts black, nearly grey colours as
 * luma, 16 bits by their own range where they leave most of theirs empty.
 *
 * @throws DeepHealthError `picture.undecodable`, `pixel.too-large`, `film.colour`, `film.blank`.
 */
export async function openPicture(
  bytes: Uint8Array,
  limits: Partial<FilmLimits> = {},
): Promise<Omit<Film, 'timings'>> {
  const { pixels: mostPixels } = { ...DEFAULT_FILM_LIMITS, ...limits };
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Loaded when the first picture file comes: DICOM films do without.
  const { default: sharp } = await import('sharp');
  const source = sharp(file, { failOn: 'error', limitInputPixels: false }).timeout({
    seconds: DECODE_SECONDS,
  });
  const header = await decoded(source.metadata());
  const { width: columns, height: rows } = header;
  if (columns * rows > mostPixels || (header.pages ?? 1) > 1) {
    throw new DeepHealthError(
      'pixel.too-large',
      `The picture has ${columns} × ${rows} pixels, or several pages.`,
    );
  }
  const deep = header.depth === 'ushort';
  const remarks: Remark[] = [];
  if (header.format === 'jpeg') {
    remarks.push({ code: 'lossy', message: 'The film is a JPEG picture, compressed with loss.' });
  }
  const opaque = header.hasAlpha ? source.flatten({ background: '#000000' }) : source;
  const colour = header.channels >= 3;
  const raw = await decoded(
    opaque
      .toColourspace(colour ? (deep ? 'rgb16' : 'srgb') : deep ? 'grey16' : 'b-w')
      .raw({ depth: deep ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true }),
  );
  const cells = deep
    ? new Uint16Array(raw.data.buffer, raw.data.byteOffset, raw.data.length >> 1)
    : new Uint8Array(raw.data.buffer, raw.data.byteOffset, raw.data.length);
  const samples = greyOf(cells, raw.info.channels);
  const { table, remark } = tableFor(samples, rows, columns);
  if (remark !== undefined) remarks.push(remark);
  const turn = turnOfExif(header.orientation ?? 1);
  const picture = layDown({ rows, columns, samples }, table, turn, undefined);
  remarks.push(...polarityRemarks(picture, header.hasAlpha === true));
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

async function decoded<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (cause) {
    throw new DeepHealthError('picture.undecodable', undefined, { cause });
  }
}

/** One grey a pixel of one or three channels (ITU-R BT.601 luma). */
function greyOf(cells: Uint8Array | Uint16Array, channels: number): Uint8Array | Uint16Array {
  if (channels < 3) return cells;
  const pixels = Math.floor(cells.length / channels);
  const grey = cells instanceof Uint8Array ? new Uint8Array(pixels) : new Uint16Array(pixels);
  const tolerance = cells instanceof Uint8Array ? GREY_TOLERANCE : GREY_TOLERANCE * 257;
  let coloured = 0;
  for (let i = 0, at = 0; i < pixels; i++, at += channels) {
    const red = cells[at] as number;
    const green = cells[at + 1] as number;
    const blue = cells[at + 2] as number;
    if (Math.max(red, green, blue) - Math.min(red, green, blue) > tolerance) coloured += 1;
    grey[i] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  if (coloured > COLOUR_SHARE * pixels) throw new DeepHealthError('film.colour');
  return grey;
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
