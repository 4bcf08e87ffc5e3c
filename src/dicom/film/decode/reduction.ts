import type { Codestream } from './codestream.ts';
import type { FrameFormat } from './frame.ts';

/** How large a frame is wanted. */
export interface WantedSize {
  /** The shorter side may be reduced by powers of two as long as it keeps so many pixels. */
  readonly shorterSide: number;
}

/**
 * A level of JPEG 2000 costs three quarters of what is left (150 ms for a film of five megapixels), one of the
 * high throughput kind a tenth of that. So the former may be reduced once more than was asked for.
 */
const SHARE = { 'jpeg-2000': 0.5, htj2k: 1 } as const;

/**
 * How many of the finest wavelet levels need not be decoded (docs/decisions/0110). None unless a cell is the
 * value itself: numbers that wrap at the sign, or that stand high in their cells, are not what the encoder saw.
 */
export function levelsToLeaveOut(
  { codec, levels, signed }: Codestream,
  { rows, columns, pixelRepresentation, bitsStored, highBit }: FrameFormat,
  { shorterSide }: WantedSize,
): number {
  if (codec !== 'jpeg-2000' && codec !== 'htj2k') return 0;
  if (signed || pixelRepresentation === 1 || highBit !== bitsStored - 1) return 0;
  const least = shorterSide * SHARE[codec];
  let out = 0;
  while (out < levels && Math.min(rows, columns) / 2 ** (out + 1) >= least) out++;
  return out;
}
