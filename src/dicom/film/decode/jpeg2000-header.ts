import { DeepHealthError } from '../../../errors/error.ts';
import type { Codestream } from './codestream.ts';

const SOC = 0xff4f;
const CAP = 0xff50;
const SIZ = 0xff51;
const COD = 0xff52;
const COC = 0xff53;
const SOT = 0xff90;
const SOD = 0xff93;
const EOC = 0xffd9;
/** Bit of Pcap that says that Part 15 (high throughput) is needed. */
const PART_15 = 0x0002_0000;
/** More tiles than any film encoder makes; each costs the decoder memory and time. */
const MOST_TILES = 16_384;

/**
 * The header of a JPEG 2000 (ITU-T T.800 A) or HTJ2K (T.814 A) codestream, also within a JP2 file, and the
 * chain of its tile-parts.
 * @throws DeepHealthError `pixel.undecodable`, `pixel.truncated`, `pixel.precision-mismatch` for subsampled
 * components.
 */
export function readJpeg2000(stored: Uint8Array): Codestream {
  const bytes = unwrapped(stored);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return readMainHeader(bytes, view);
  } catch (error) {
    if (error instanceof RangeError) throw truncated();
    throw error;
  }
}

function readMainHeader(bytes: Uint8Array, view: DataView): Codestream {
  if (bytes.length < 4) throw truncated();
  if (view.getUint16(0) !== SOC || view.getUint16(2) !== SIZ) {
    throw new DeepHealthError('pixel.undecodable', 'The pixels do not begin like a JPEG 2000 codestream.');
  }
  const right = view.getUint32(8);
  const bottom = view.getUint32(12);
  const left = view.getUint32(16);
  const top = view.getUint32(20);
  const tileWidth = view.getUint32(24);
  const tileHeight = view.getUint32(28);
  const components = view.getUint16(40);
  const depth = view.getUint8(42);
  if (right <= left || bottom <= top || tileWidth === 0 || tileHeight === 0) throw damaged();
  if (Math.ceil(right / tileWidth) * Math.ceil(bottom / tileHeight) > MOST_TILES) throw damaged();
  if (components === 1 && (view.getUint8(43) !== 1 || view.getUint8(44) !== 1)) {
    throw new DeepHealthError('pixel.precision-mismatch', 'The JPEG 2000 component is subsampled.');
  }
  let codec: 'jpeg-2000' | 'htj2k' = 'jpeg-2000';
  let reversible: boolean | undefined;
  let levels = 0;
  let uniform = left === 0 && top === 0;
  let at = 4 + view.getUint16(4);
  for (let marker = view.getUint16(at); marker !== SOT; marker = view.getUint16(at)) {
    if (marker < 0xff00 || marker === EOC) throw damaged();
    const length = view.getUint16(at + 2);
    if (length < 2) throw damaged();
    if (marker === CAP && (view.getUint32(at + 4) & PART_15) !== 0) codec = 'htj2k';
    if (marker === COD) {
      levels = view.getUint8(at + 9);
      reversible = view.getUint8(at + 13) === 1;
    }
    if (marker === COC) uniform = false;
    at += 2 + length;
  }
  if (reversible === undefined) throw damaged();
  const { end, alike } = walkTileParts(view, at);
  return {
    codec,
    size: { rows: bottom - top, columns: right - left },
    precision: (depth & 0x7f) + 1,
    signed: (depth & 0x80) !== 0,
    components,
    levels: uniform && alike && levels <= 32 ? levels : 0,
    lossless: reversible,
    bytes: ended(bytes, end),
  };
}

/**
 * Follows the lengths of the tile-parts.
 * @returns where the End of Codestream marker is or should be, and whether all tiles are coded alike.
 */
function walkTileParts(view: DataView, first: number): { end: number; alike: boolean } {
  let at = first;
  let alike = true;
  while (at + 2 <= view.byteLength && view.getUint16(at) === SOT) {
    const length = view.getUint32(at + 6);
    if (length === 0) {
      if (hasOwnCoding(view, at + 12, view.byteLength)) alike = false;
      // The last tile-part may leave its length open: then only the end marker proves it whole.
      for (let end = view.byteLength - 2; end > at; end--)
        if (view.getUint16(end) === EOC) return { end, alike };
      throw truncated();
    }
    if (length < 14) throw damaged();
    if (at + length > view.byteLength) throw truncated();
    if (hasOwnCoding(view, at + 12, at + length)) alike = false;
    at += length;
  }
  return { end: at, alike };
}

/**
 * Whether the header of a tile-part, which ends before `end`, changes how it is coded. Looked for beyond its end, the
 * SOD marker of the last of a million tile-parts would be searched a million times over, on the main thread.
 */
function hasOwnCoding(view: DataView, first: number, end: number): boolean {
  let own = false;
  for (let at = first; at + 2 <= end; at += 2 + Math.max(2, view.getUint16(at + 2))) {
    const marker = view.getUint16(at);
    if (marker === SOD) return own;
    if (marker === COD || marker === COC) own = true;
  }
  throw damaged();
}

/** The codestream with its end marker, which some encoders leave out and the decoder wants. */
function ended(bytes: Uint8Array, end: number): Uint8Array {
  const next = ((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0);
  if (next === EOC) return bytes;
  if (next !== 0) throw damaged();
  const whole = new Uint8Array(end + 2);
  whole.set(bytes.subarray(0, end));
  whole.set([EOC >> 8, EOC & 0xff], end);
  return whole;
}

/** The codestream within a JP2 file (T.800 I): no DICOM, but some archives hold it. */
function unwrapped(stored: Uint8Array): Uint8Array {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const isJp2 = stored.length > 12 && view.getUint32(0) === 12 && view.getUint32(4) === 0x6a502020;
  if (!isJp2) return stored;
  for (let at = 0; at + 8 <= stored.length; ) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    if (type === 0x6a703263) return stored.subarray(at + (length === 1 ? 16 : 8));
    if (length < 8) break;
    at += length;
  }
  throw damaged();
}

function truncated(): DeepHealthError {
  return new DeepHealthError('pixel.truncated', 'The JPEG 2000 codestream ends before its last tile does.');
}

function damaged(): DeepHealthError {
  return new DeepHealthError('pixel.undecodable', 'The header of the JPEG 2000 codestream is damaged.');
}
