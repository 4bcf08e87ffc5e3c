import { DeepHealthError } from '../../../errors/error.ts';
import { cellsIn } from './cells.ts';
import type { Codestream } from './codestream.ts';

const HEADER_BYTES = 64;

/**
 * The segment table of an RLE frame (PS3.5 G.5): one segment for each byte of a cell.
 * @throws DeepHealthError `pixel.undecodable`, `pixel.truncated`.
 */
export function readRle(bytes: Uint8Array): Codestream {
  const segments = segmentsOf(bytes);
  return {
    codec: 'rle',
    size: undefined,
    precision: 8 * segments.length,
    signed: false,
    components: 1,
    levels: 0,
    lossless: true,
    bytes,
  };
}

/**
 * The cells of an RLE frame: PackBits runs a byte plane, the most significant plane first (PS3.5 G.2 to G.4).
 * @throws DeepHealthError `pixel.truncated` when a plane is short of pixels, `pixel.undecodable` when a run
 * leaves the picture by more than the padding that encoders add.
 */
export function decodeRle(
  bytes: Uint8Array,
  pixels: number,
  memory?: ArrayBufferLike,
): Uint8Array | Uint16Array {
  const segments = segmentsOf(bytes);
  const [high, low] = segments;
  if (high === undefined) throw damaged();
  if (low === undefined) {
    const plane = cellsIn(memory, pixels, 8) as Uint8Array;
    unpack(high, plane, 0, 1);
    return plane;
  }
  const cells = cellsIn(memory, pixels, 16);
  const planes = new Uint8Array(cells.buffer, 0, cells.byteLength);
  unpack(high, planes, 1, 2);
  unpack(low, planes, 0, 2);
  return cells;
}

function segmentsOf(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length < HEADER_BYTES) throw truncated();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  if (count < 1 || count > 15) throw damaged();
  const segments: Uint8Array[] = [];
  for (let segment = 0; segment < count; segment++) {
    const from = view.getUint32(4 + 4 * segment, true);
    const to = segment + 1 < count ? view.getUint32(8 + 4 * segment, true) : bytes.length;
    if (from > bytes.length || to > bytes.length) throw truncated();
    if (from < HEADER_BYTES || to < from) throw damaged();
    segments.push(bytes.subarray(from, to));
  }
  return segments;
}

/** Unpacks one byte plane into every `stride`th byte. */
function unpack(packed: Uint8Array, into: Uint8Array, first: number, stride: number): void {
  const end = into.length;
  let out = first;
  let at = 0;
  while (out < end) {
    const control = packed[at++];
    if (control === undefined) throw truncated();
    if (control === 128) continue;
    if (control < 128) {
      // Encoders pad an odd plane by a byte; a literal run may reach that far out of the picture, no further.
      const length = control + 1;
      if (at + length > packed.length) throw truncated();
      if (out + (length - 1) * stride >= end + stride) throw damaged();
      const stop = Math.min(end, out + length * stride);
      for (let from = at; out < stop; out += stride) into[out] = packed[from++] ?? 0;
      at += length;
    } else {
      const value = packed[at++];
      if (value === undefined) throw truncated();
      const length = 257 - control;
      if (out + (length - 1) * stride >= end + stride) throw damaged();
      const stop = Math.min(end, out + length * stride);
      for (; out < stop; out += stride) into[out] = value;
    }
  }
}

function truncated(): DeepHealthError {
  return new DeepHealthError('pixel.truncated', 'The RLE segments end before the picture does.');
}

function damaged(): DeepHealthError {
  return new DeepHealthError('pixel.undecodable', 'The RLE segments are damaged.');
}
