import { crc32, inflateSync } from 'node:zlib';
import { DeepHealthError } from '../../../errors/error.ts';
import { orientationOf } from './exif.ts';
import { type Greys, greysOf } from './greys.ts';
import type { PictureHeader } from './header.ts';

/** A PNG file taken apart (ISO/IEC 15948, W3C PNG third edition). */
export interface Png extends PictureHeader {
  readonly codec: 'png';
  readonly colour: ColourType;
  /** Bits of a sample as stored: 1, 2, 4, 8, 16. */
  readonly bits: number;
  readonly interlaced: boolean;
  /** Red, green and blue of each index. */
  readonly palette: Uint8Array;
  /** Opacity of the first indices of a palette, or the one value that is transparent; empty for none. */
  readonly transparency: Uint8Array;
  /** The zlib stream, in the pieces that it is stored in. */
  readonly compressed: readonly Uint8Array[];
}

const GREY = 0;
const RGB = 2;
const PALETTE = 3;
const GREY_ALPHA = 4;
const RGB_ALPHA = 6;
type ColourType = typeof GREY | typeof RGB | typeof PALETTE | typeof GREY_ALPHA | typeof RGB_ALPHA;

/** Bits a sample that each colour type may have, and its samples a pixel as stored (table 12). */
const COLOURS: ReadonlyMap<number, { bits: readonly number[]; samples: number }> = new Map([
  [GREY, { bits: [1, 2, 4, 8, 16], samples: 1 }],
  [RGB, { bits: [8, 16], samples: 3 }],
  [PALETTE, { bits: [1, 2, 4, 8], samples: 1 }],
  [GREY_ALPHA, { bits: [8, 16], samples: 2 }],
  [RGB_ALPHA, { bits: [8, 16], samples: 4 }],
]);

const SIGNATURE_BYTES = 8;
/** Length, type and check of a chunk. */
const CHUNK_FRAME_BYTES = 12;
/** No real picture has this many chunks; each costs an entry of a list. */
const MOST_CHUNKS = 100_000;
/** Pixels once inflated, and their channels: four of 16 bits for the largest films. */
const MOST_BYTES = 256 * 2 ** 20;

/** Passes of an interlaced picture (8.2): first column and row, and steps. */
const ADAM7 = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
] as const;
const AT_ONCE = [{ x: 0, y: 0, dx: 1, dy: 1 }] as const;

/**
 * Reads the chunks of a PNG file; nothing is inflated. Chunks that are used, and those that must be understood,
 * are checked by their sums.
 * @throws DeepHealthError `picture.undecodable`, `pixel.too-large`
 */
export function readPng(bytes: Uint8Array): Png {
  const chunks = chunksOf(bytes);
  const [first] = chunks;
  if (first?.type !== 'IHDR' || first.content.length !== 13) throw damaged('It has no header.');
  const header = viewOf(first.content);
  const columns = header.getUint32(0);
  const rows = header.getUint32(4);
  const bits = header.getUint8(8);
  const colour = header.getUint8(9);
  const coding = COLOURS.get(colour);
  if (columns === 0 || rows === 0 || coding === undefined || !coding.bits.includes(bits)) {
    throw damaged('Its header is not sound.');
  }
  const interlace = header.getUint8(12);
  if (header.getUint8(10) !== 0 || header.getUint8(11) !== 0 || interlace > 1) {
    throw damaged('It is compressed in an unknown way.');
  }
  const contentOf = (type: string) =>
    chunks.find((chunk) => chunk.type === type)?.content ?? new Uint8Array();
  const palette = contentOf('PLTE');
  const transparency = contentOf('tRNS');
  if (colour === PALETTE && (palette.length === 0 || palette.length % 3 !== 0 || palette.length > 768)) {
    throw damaged('Its palette is not sound.');
  }
  const transparent = colour >= GREY_ALPHA || transparency.length > 0;
  const key = colour === GREY ? 2 : colour === RGB ? 6 : 0;
  if (transparency.length > 0 && key > 0 && transparency.length !== key)
    throw damaged('Its transparency is not sound.');
  const channels = colour === GREY || colour === GREY_ALPHA ? (transparent ? 2 : 1) : transparent ? 4 : 3;
  return {
    codec: 'png',
    ...{ rows, columns, channels, palette, transparency, bits },
    depth: bits === 16 ? 16 : 8,
    colour: colour as ColourType,
    interlaced: interlace === 1,
    orientation: orientationOf(contentOf('eXIf')),
    greyProfile: channels < 3 && chunks.some(({ type }) => type === 'iCCP'),
    compressed: chunks.filter(({ type }) => type === 'IDAT').map(({ content }) => content),
  };
}

/**
 * Inflates and unfilters a picture and gives its greys; 8 bits where fewer are stored, scaled to their range.
 * @throws DeepHealthError `picture.undecodable`, `pixel.too-large`
 */
export function decodePng(png: Png): Greys {
  const { rows, columns, channels, depth } = png;
  const size = rows * columns * channels;
  const passes = (png.interlaced ? ADAM7 : AT_ONCE).map(({ x, y, dx, dy }) => {
    const across = Math.ceil(Math.max(0, columns - x) / dx);
    const down = across === 0 ? 0 : Math.ceil(Math.max(0, rows - y) / dy);
    return { x, y, dx, dy, across, down, lineBytes: Math.ceil((across * bitsAPixel(png)) / 8) };
  });
  const length = passes.reduce((sum, { down, lineBytes }) => sum + down * (1 + lineBytes), 0);
  if (Math.max(length, (size * depth) / 8) > MOST_BYTES) throw new DeepHealthError('pixel.too-large');
  const filtered = inflated(png.compressed, length);
  const cells = depth === 16 ? new Uint16Array(size) : new Uint8Array(size);
  const place = placer(png, cells);
  let from = 0;
  for (const { x, y, dx, dy, across, down, lineBytes } of passes) {
    let above: Uint8Array = new Uint8Array(lineBytes);
    for (let line = 0; line < down; line++) {
      const bytes = filtered.subarray(from + 1, from + 1 + lineBytes);
      unfilter(filtered[from] ?? 0, bytes, above, Math.max(1, bitsAPixel(png) >> 3));
      place(bytes, across, (y + line * dy) * columns + x, dx);
      above = bytes;
      from += 1 + lineBytes;
    }
  }
  return greysOf(cells, channels);
}

/** Undoes the filter of a line in its place (9.2). `behind`: bytes to the pixel on the left. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, behind: number): void {
  const { length } = line;
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let at = behind; at < length; at++)
        line[at] = (line[at] as number) + (line[at - behind] as number);
      return;
    case 2:
      for (let at = 0; at < length; at++) line[at] = (line[at] as number) + (above[at] as number);
      return;
    case 3:
      for (let at = 0; at < length; at++) {
        const left = at < behind ? 0 : (line[at - behind] as number);
        line[at] = (line[at] as number) + ((left + (above[at] as number)) >> 1);
      }
      return;
    case 4:
      for (let at = 0; at < length; at++) {
        const left = at < behind ? 0 : (line[at - behind] as number);
        const corner = at < behind ? 0 : (above[at - behind] as number);
        line[at] = (line[at] as number) + paeth(left, above[at] as number, corner);
      }
      return;
    default:
      throw damaged('A line has an unknown filter.');
  }
}

/** Of left, above and above left the one that is nearest to left + above - corner (9.4). */
function paeth(left: number, above: number, corner: number): number {
  const fromLeft = Math.abs(above - corner);
  const fromAbove = Math.abs(left - corner);
  const fromCorner = Math.abs(left + above - 2 * corner);
  if (fromLeft <= fromAbove && fromLeft <= fromCorner) return left;
  return fromAbove <= fromCorner ? above : corner;
}

/** Puts the pixels of an unfiltered line, `step` apart from the `first` on, into the interleaved cells. */
type Place = (line: Uint8Array, count: number, first: number, step: number) => void;

function placer(png: Png, cells: Uint8Array | Uint16Array): Place {
  const { colour, bits, channels, transparency, palette } = png;
  const stored = COLOURS.get(colour)?.samples ?? 1;
  if (colour === PALETTE) {
    return (line, count, first, step) => {
      for (let i = 0, to = first * channels; i < count; i++, to += step * channels) {
        const index = sampleOf(line, i, bits);
        if (3 * index >= palette.length) throw damaged('A pixel has a colour that is not in its palette.');
        for (let channel = 0; channel < 3; channel++)
          cells[to + channel] = palette[3 * index + channel] as number;
        if (channels === 4) cells[to + 3] = transparency[index] ?? 255;
      }
    };
  }
  const scale = bits < 8 ? 255 / (2 ** bits - 1) : 1;
  const most = bits === 16 ? 65_535 : 255;
  // Of transparency by one value each byte pair is a sample.
  const key =
    channels > stored ? Array.from({ length: stored }, (_, at) => wordOf(transparency, 2 * at)) : [];
  return (line, count, first, step) => {
    for (let i = 0, to = first * channels; i < count; i++, to += step * channels) {
      let isKey = key.length > 0;
      for (let channel = 0; channel < stored; channel++) {
        const sample = sampleOf(line, i * stored + channel, bits);
        if (isKey && sample !== key[channel]) isKey = false;
        cells[to + channel] = sample * scale;
      }
      if (key.length > 0) cells[to + stored] = isKey ? 0 : most;
    }
  };
}

function sampleOf(line: Uint8Array, index: number, bits: number): number {
  if (bits === 8) return line[index] as number;
  if (bits === 16) return wordOf(line, 2 * index);
  const bit = index * bits;
  return ((line[bit >> 3] as number) >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
}

function wordOf(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function bitsAPixel({ colour, bits }: Png): number {
  return bits * (COLOURS.get(colour)?.samples ?? 1);
}

/** Exactly so many bytes of a zlib stream; its sum is checked. */
function inflated(compressed: readonly Uint8Array[], length: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(Buffer.concat(compressed), {
      maxOutputLength: length,
      chunkSize: Math.max(1024, Math.min(length, 2 ** 20)),
    });
  } catch (cause) {
    throw new DeepHealthError('picture.undecodable', 'The pixels of the PNG picture cannot be inflated.', {
      cause,
    });
  }
  if (bytes.length < length) throw damaged('Its pixels end too early.');
  return bytes;
}

interface Chunk {
  readonly type: string;
  readonly content: Uint8Array;
}

/** Types that are used here; the first four have to be understood by everybody. */
const USED = new Set(['IHDR', 'PLTE', 'IDAT', 'IEND', 'tRNS', 'eXIf', 'iCCP']);

function chunksOf(bytes: Uint8Array): Chunk[] {
  const chunks: Chunk[] = [];
  const view = viewOf(bytes);
  for (let at = SIGNATURE_BYTES, count = 0; ; count++) {
    if (at + CHUNK_FRAME_BYTES > bytes.length) throw damaged('It ends too early.');
    if (count > MOST_CHUNKS) throw damaged('It has too many chunks.');
    const length = view.getUint32(at);
    const end = at + CHUNK_FRAME_BYTES + length;
    if (end > bytes.length) throw damaged('It ends too early.');
    const type = Buffer.from(bytes.buffer, bytes.byteOffset + at + 4, 4).toString('latin1');
    if (!/^[A-Za-z]{4}$/.test(type)) throw damaged('A chunk has no type.');
    // A capital first letter: whoever does not know it cannot show the picture (5.4).
    if (!USED.has(type) && /^[A-Z]/.test(type)) throw damaged(`Its chunk ${type} is not known.`);
    if (USED.has(type)) {
      if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4))
        throw damaged('A sum does not fit.');
      chunks.push({ type, content: bytes.subarray(at + 8, end - 4) });
    }
    if (type === 'IEND') return chunks;
    at = end;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(what: string): DeepHealthError {
  return new DeepHealthError('picture.undecodable', `The PNG picture is damaged. ${what}`);
}
