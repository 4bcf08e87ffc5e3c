import { availableParallelism } from 'node:os';
import { DeepHealthError } from '../../../errors/error.ts';
import type { Remark } from '../film.ts';
import { checkCodestream } from './check.ts';
import { compileCodecs } from './codecs.ts';
import { type Codestream, readCodestream } from './codestream.ts';
import { checkFormat } from './format.ts';
import { joinFragments } from './fragments.ts';
import type { DecodedFrame, EncodedFrame } from './frame.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { decodeNative } from './native.ts';
import { createPool } from './pool.ts';
import { allowsLoss, codingOf } from './syntaxes.ts';

export type { DecodedFrame, EncodedFrame, FrameFormat } from './frame.ts';
export type { DecodeLimits } from './limits.ts';

/** Turns stored frames into cells. */
export interface Decoder {
  /**
   * Decodes one frame of a grey picture. Several may be under way at once; compressed ones run in worker
   * threads, native ones at once.
   * @throws DeepHealthError with a `pixel.` code; the decoder stays usable.
   */
  decode(frame: EncodedFrame): Promise<DecodedFrame>;
  /** Ends the workers; frames under way fail with `pixel.decoder-closed`. Idle workers hold up no exit. */
  close(): Promise<void>;
}

/**
 * A decoder for every transfer syntax that films come in. Costs nothing before the first compressed frame.
 * @param options.workers most worker threads at once; default the number of processors, at most 4.
 */
export function createDecoder(options: { workers?: number; limits?: Partial<DecodeLimits> } = {}): Decoder {
  const limits: DecodeLimits = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
  let compiling: Promise<WebAssembly.Module> | undefined;
  const pool = createPool(options.workers ?? Math.min(4, availableParallelism()), limits, () => {
    compiling ??= compileCodecs(limits.heapBytes);
    return compiling;
  });
  return {
    async decode(frame) {
      const coding = codingOf(frame.transferSyntax);
      if (coding === undefined) throw new DeepHealthError('pixel.syntax-unsupported');
      const { format, fragments } = frame;
      checkFormat(format, limits);
      if (coding === 'little' || coding === 'big') return decodeNative(frame, coding);

      const length = fragments.reduce((sum, fragment) => sum + fragment.length, 0);
      if (length > limits.encodedBytes) throw new DeepHealthError('pixel.too-large');
      if (length === 0) throw new DeepHealthError('pixel.truncated', 'The frame has no compressed bytes.');
      const codestream = readCodestream(coding, joinFragments(fragments));
      checkCodestream(codestream, format);
      const reply = await pool.run({
        codec: codestream.codec,
        // A copy of its own: it is handed over to the worker, and the file's other bytes are not.
        bytes: new Uint8Array(codestream.bytes),
        rows: format.rows,
        columns: format.columns,
        precision: codestream.precision,
        signed: codestream.signed,
        lossy: allowsLoss(frame.transferSyntax) && !(codestream.codec === 'htj2k' && codestream.lossless),
        bitsAllocated: format.bitsAllocated === 8 ? 8 : 16,
        // Cells may stand high in their words: everything up to High Bit may be used.
        bitsStored: format.highBit + 1,
        pixelRepresentation: format.pixelRepresentation,
      });
      const remarks = remarksOn(codestream, format.bitsStored, reply.clamped);
      return { rows: format.rows, columns: format.columns, samples: reply.samples, scale: 1, remarks };
    },
    close: () => pool.close(),
  };
}

function remarksOn(codestream: Codestream, bitsStored: number, clamped: number): Remark[] {
  const remarks: Remark[] = [];
  if (!codestream.lossless) {
    remarks.push({ code: 'lossy', message: 'The pixels were compressed with loss.' });
  }
  if (codestream.codec !== 'rle' && codestream.precision < bitsStored) {
    remarks.push({
      code: 'precision',
      message: `The compressed picture has ${codestream.precision} bits only, the header says ${bitsStored}.`,
    });
  }
  if (clamped > 0) {
    remarks.push({ code: 'overshoot', message: `${clamped} pixels beyond the stored range were clamped.` });
  }
  return remarks;
}
