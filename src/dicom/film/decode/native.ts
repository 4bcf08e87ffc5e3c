import { DeepHealthError } from '../../../errors/error.ts';
import { joinFragments } from './fragments.ts';
import type { DecodedFrame, EncodedFrame } from './frame.ts';

/**
 * The cells of a frame that was stored without compression (PS3.5 8.1.1), as a view of the input wherever
 * byte order and alignment allow it. Bytes behind the frame (padding, a forgotten second frame) are left out.
 *
 * Cells of 32 bits are narrowed to their low 16 when nothing above those is stored.
 *
 * @throws DeepHealthError `pixel.truncated` when bytes are missing; `pixel.format-unsupported` for cells of
 * which more than the low 16 bits are stored.
 */
export function decodeNative(frame: EncodedFrame, byteOrder: 'little' | 'big'): DecodedFrame {
  const { rows, columns, bitsAllocated, highBit } = frame.format;
  const pixels = rows * columns;
  const size = (pixels * bitsAllocated) / 8;
  const stored = joinFragments(frame.fragments);
  // A frame of 8-bit cells stored as big endian words is padded to an even length before the swap.
  const swapsBytes = byteOrder === 'big' && bitsAllocated === 8 && frame.vr === 'OW';
  const needed = swapsBytes ? size + (size % 2) : size;
  if (stored.length < needed) {
    throw new DeepHealthError(
      'pixel.truncated',
      `The header promises ${needed} bytes of pixels, the file holds ${stored.length}.`,
    );
  }
  const bytes = stored.subarray(0, needed);
  let samples: Uint8Array | Uint16Array;
  if (bitsAllocated === 8) samples = swapsBytes ? swapPairs(bytes).subarray(0, size) : bytes;
  else if (bitsAllocated === 16) samples = byteOrder === 'big' ? words(swapPairs(bytes)) : words(bytes);
  else if (highBit < 16) samples = lowWords(bytes, byteOrder);
  else {
    throw new DeepHealthError(
      'pixel.format-unsupported',
      `Pixels with ${highBit + 1} significant bits are not films.`,
    );
  }
  return { rows, columns, samples, scale: 1, origin: 0, remarks: [] };
}

/** The bytes as little endian 16-bit words (all platforms of Node with WebAssembly are little endian). */
function words(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length >> 1);
}

function swapPairs(bytes: Uint8Array): Uint8Array {
  const swapped = Buffer.allocUnsafeSlow(bytes.length);
  swapped.set(bytes);
  swapped.swap16();
  return swapped;
}

function lowWords(bytes: Uint8Array, byteOrder: 'little' | 'big'): Uint16Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const low = new Uint16Array(bytes.length >> 2);
  const littleEndian = byteOrder === 'little';
  const offset = littleEndian ? 0 : 2;
  for (let i = 0; i < low.length; i++) low[i] = view.getUint16(4 * i + offset, littleEndian);
  return low;
}
