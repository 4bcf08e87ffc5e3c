import { DeepHealthError } from '../../../errors/error.ts';
import type { Codestream } from './codestream.ts';
import { jpegDctCoding } from './jpeg-dct-parameters.ts';

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const TEM = 0x01;
/** Start of frame markers of Huffman coded sequential, progressive and lossless JPEG, and of JPEG-LS. */
const FRAMES: ReadonlyMap<number, 'jpeg' | 'jpeg-ls'> = new Map([
  [0xc0, 'jpeg'],
  [0xc1, 'jpeg'],
  [0xc2, 'jpeg'],
  [0xc3, 'jpeg'],
  [0xf7, 'jpeg-ls'],
]);
const LOSSLESS_FRAME = 0xc3;
/**
 * More markers before the first scan than any picture has (profiles and remarks come in pieces of 64 KiB). Headers are
 * read on the main thread: 128 MiB of empty segments would hold it up for most of a minute.
 */
const MOST_MARKERS = 4096;
/** Hierarchical and arithmetic coded frames: in no transfer syntax of today. */
const OTHER_FRAMES: ReadonlySet<number> = new Set([0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);

/**
 * The header of a JPEG (ITU-T T.81 B.2) or JPEG-LS (T.87 C.2) picture, up to its first scan.
 * @throws DeepHealthError `pixel.undecodable`, `pixel.truncated`.
 */
export function readJpeg(bytes: Uint8Array): Codestream {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) {
    throw new DeepHealthError('pixel.undecodable', 'The pixels do not begin like a JPEG picture.');
  }
  let frame: Omit<Codestream, 'lossless'> | undefined;
  let marker = 0;
  let at = 2;
  for (let markers = 0; ; markers++) {
    if (markers === MOST_MARKERS) throw damaged();
    if (bytes[at] !== 0xff) throw at < bytes.length ? damaged() : truncated();
    while (bytes[at] === 0xff) at++;
    const next = bytes[at++];
    if (next === undefined) throw truncated();
    if (next === TEM || (next >= 0xd0 && next <= 0xd7)) continue;
    if (next === EOI || next === SOI) throw damaged();
    const length = word(bytes, at);
    if (length < 2) throw damaged();
    if (at + length > bytes.length) throw truncated();
    if (OTHER_FRAMES.has(next)) {
      throw new DeepHealthError(
        'pixel.undecodable',
        'The JPEG process (arithmetic or hierarchical) is not supported.',
      );
    }
    const codec = FRAMES.get(next);
    if (codec !== undefined) {
      if (frame !== undefined || length < 8) throw damaged();
      const precision = bytes[at + 2] ?? 0;
      // gdcm writes 12-bit lossy pictures that say 16, and nobody can decode them rightly.
      if (codec === 'jpeg' && next !== LOSSLESS_FRAME && precision !== 8 && precision !== 12) throw damaged();
      marker = next;
      frame = {
        codec,
        size: { rows: word(bytes, at + 3), columns: word(bytes, at + 5) },
        precision,
        signed: false,
        // A DCT gives means of 2 × 2 samples for a quarter of the work.
        levels: jpegDctCoding(bytes) === undefined ? 0 : 1,
        components: bytes[at + 7] ?? 0,
        bytes,
      };
    }
    if (next === SOS) {
      if (frame === undefined) throw damaged();
      if (!endsAfter(bytes, at + length)) throw truncated();
      const near = bytes[at + 3 + 2 * (bytes[at + 2] ?? 0)] ?? 0;
      const lossless = frame.codec === 'jpeg-ls' ? near === 0 : marker === LOSSLESS_FRAME;
      return { ...frame, lossless };
    }
    at += length;
  }
}

/** Whether an End of Image marker follows the first scan; entropy coded bytes cannot look like one. */
function endsAfter(bytes: Uint8Array, scan: number): boolean {
  for (let at = bytes.length - 2; at >= scan; at--) {
    if (bytes[at] === 0xff && bytes[at + 1] === EOI) return true;
  }
  return false;
}

function word(bytes: Uint8Array, at: number): number {
  const low = bytes[at + 1];
  if (low === undefined) throw truncated();
  return ((bytes[at] ?? 0) << 8) | low;
}

function truncated(): DeepHealthError {
  return new DeepHealthError('pixel.truncated', 'The JPEG picture has no end.');
}

function damaged(): DeepHealthError {
  return new DeepHealthError('pixel.undecodable', 'The header of the JPEG picture is damaged.');
}
