import type { Codestream } from './codestream.ts';
import type { FrameFormat } from './frame.ts';

/** How large a frame is wanted. */
export interface WantedSize {
  /** The shorter side may be reduced by powers of two as long as it keeps so many pixels. */
  readonly shorterSide: number;
}

/**
 * The shorter side that a coding keeps, as a share of what is wanted; codings that are not named are decoded whole.
 * A level of JPEG 2000 costs three quarters of what is left (150 ms for a film of five megapixels), one of the
 * high throughput kind a tenth of that. So the former may be reduced once more than was asked for.
 */
const SHARES: Partial<Record<Codestream['codec'], number>> = { jpeg: 1, 'jpeg-2000': 0.5, htj2k: 1 };

/**
 * How often a picture is to be halved while it is decoded (docs/decisions/0110). None unless a cell is the
 * value itself: numbers that wrap at the sign, or that stand high in their cells, are not what the encoder saw.
 */
export function halvings(
  { codec, levels, signed }: Codestream,
  { rows, columns, pixelRepresentation, bitsStored, highBit }: FrameFormat,
  { shorterSide }: WantedSize,
): number {
  const share = SHARES[codec];
  if (share === undefined || signed || pixelRepresentation === 1 || highBit !== bitsStored - 1) return 0;
  const least = shorterSide * share;
  let times = 0;
  while (times < levels && Math.min(rows, columns) / 2 ** (times + 1) >= least) times++;
  return times;
}

/**
 * Where the first cell of a frame that was reduced while it was decoded begins, in pixels of the film: means begin
 * with it, a wavelet's low band is centred on every `scale`th pixel.
 */
export function originOf(codec: Codestream['codec'], scale: number): number {
  return codec === 'jpeg' ? 0 : (1 - scale) / 2;
}
