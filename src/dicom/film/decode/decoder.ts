import { DeepHealthError } from '../../../errors/error.ts';
import { checkFormat } from './format.ts';
import type { DecodedFrame, EncodedFrame } from './frame.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { decodeNative } from './native.ts';
import { codingOf } from './syntaxes.ts';

export type { DecodedFrame, EncodedFrame, FrameFormat } from './frame.ts';
export type { DecodeLimits } from './limits.ts';

/** Turns stored frames into cells. */
export interface Decoder {
  /**
   * Decodes one frame of a grey picture. Several may be under way at once.
   * @throws DeepHealthError with a `pixel.` code; the decoder stays usable.
   */
  decode(frame: EncodedFrame): Promise<DecodedFrame>;
  /** Ends the workers; frames under way fail with `pixel.decoder-closed`. */
  close(): Promise<void>;
}

/**
 * A decoder for every transfer syntax that films come in.
 * @param options.workers most worker threads at once; default the number of processors, at most 4.
 */
export function createDecoder(options: { workers?: number; limits?: Partial<DecodeLimits> } = {}): Decoder {
  const limits: DecodeLimits = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
  return {
    async decode(frame) {
      const coding = codingOf(frame.transferSyntax);
      if (coding === undefined) throw new DeepHealthError('pixel.syntax-unsupported');
      checkFormat(frame.format, limits);
      if (coding === 'little' || coding === 'big') return decodeNative(frame, coding);
      throw new DeepHealthError('pixel.syntax-unsupported');
    },
    async close() {},
  };
}
