import { DeepHealthError } from '../../../errors/error.ts';
import { processors } from '../../../machine/processors.ts';
import type { Remark } from '../film.ts';
import type { Greys } from '../picture/greys.ts';
import type { PictureHeader } from '../picture/header.ts';
import { cellsIn } from './cells.ts';
import { checkCodestream } from './check.ts';
import { type Codestream, readCodestream } from './codestream.ts';
import { checkFormat } from './format.ts';
import { joinFragments } from './fragments.ts';
import type { DecodedFrame, EncodedFrame } from './frame.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { decodeNative } from './native.ts';
import { createPool } from './pool.ts';
import { halvings, originOf, type WantedSize } from './reduction.ts';
import { createSharedMemory } from './shared-memory.ts';
import { allowsLoss, codingOf } from './syntaxes.ts';

export type { DecodedFrame, EncodedFrame, FrameFormat } from './frame.ts';
export type { DecodeLimits } from './limits.ts';
export type { WantedSize } from './reduction.ts';

/** Bytes of what is copied at once. */
const WORD = 8;

/** Turns stored frames into cells. */
export interface Decoder {
  /**
   * Decodes one frame of a grey picture, whole, or smaller where that is cheaper and a smaller one is wanted
   * (wavelet and DCT codings of unsigned values; see `halvings`). Several may be under way at once; compressed ones run in worker
   * threads, native ones at once.
   * @throws DeepHealthError with a `pixel.` code; the decoder stays usable.
   */
  decode(frame: EncodedFrame, wanted?: WantedSize): Promise<DecodedFrame>;
  /**
   * Decodes a JPEG or PNG file to greys, in a worker thread.
   * @param header what was read of the file.
   * @throws DeepHealthError with a `pixel.` code, `picture.undecodable`; the decoder stays usable.
   */
  decodePicture(file: Uint8Array, header: PictureHeader): Promise<Greys>;
  /** Gives a frame's memory back for the next ones: its samples must not be looked at any more. */
  release(frame: DecodedFrame): void;
  /** Ends the workers; frames under way fail with `pixel.decoder-closed`. Idle workers hold up no exit. */
  close(): Promise<void>;
}

/**
 * A decoder for every transfer syntax that films come in. Costs nothing before the first compressed frame.
 * @param options.workers most worker threads at once; default the number of processors, at most 4.
 */
export function createDecoder(options: { workers?: number; limits?: Partial<DecodeLimits> } = {}): Decoder {
  const limits: DecodeLimits = { ...DEFAULT_DECODE_LIMITS, ...options.limits };
  const workers = options.workers ?? Math.min(4, processors());
  // For each worker a frame to decode and its cells, and the cells that are being looked at.
  const memory = createSharedMemory(2 * workers + 1);
  const pool = createPool(workers, limits, undefined, () => memory.clear());
  return {
    async decode(frame, wanted) {
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
      const whole = {
        codec: codestream.codec,
        precision: codestream.precision,
        signed: codestream.signed,
        lossy: allowsLoss(frame.transferSyntax) && !(codestream.codec === 'htj2k' && codestream.lossless),
        bitsAllocated: format.bitsAllocated === 8 ? (8 as const) : (16 as const),
        // Cells may stand high in their words: everything up to High Bit may be used.
        bitsStored: format.highBit + 1,
        pixelRepresentation: format.pixelRepresentation,
      };
      const halved = async (levels: number): Promise<DecodedFrame> => {
        const scale = 2 ** levels;
        const rows = Math.ceil(format.rows / scale);
        const columns = Math.ceil(format.columns / scale);
        const lossy = whole.lossy || levels > 0;
        let cells: ArrayBufferLike | undefined;
        const { samples, clamped } = await pool.run(
          () => {
            // A copy of its own: the file's other bytes are none of the worker's business. To shared memory V8 copies
            // by words only where both stand at the same place within a word.
            const { length: size, byteOffset } = codestream.bytes;
            const bytes = new Uint8Array(memory.take(size + WORD), byteOffset % WORD, size);
            bytes.set(codestream.bytes);
            cells = memory.take((rows * columns * whole.bitsAllocated) / 8);
            return { ...whole, levels, rows, columns, lossy, bytes, memory: cells };
          },
          (job, reply) => {
            memory.give(job.bytes.buffer);
            // Else it is the frame's until that is released.
            if (cells !== undefined && (reply === undefined || reply.samples !== undefined))
              memory.give(cells);
          },
        );
        const remarks = remarksOn(codestream, format.bitsStored, levels === 0 ? clamped : 0);
        return {
          rows,
          columns,
          samples: samples ?? cellsIn(cells, rows * columns, whole.bitsAllocated),
          scale,
          origin: originOf(codestream.codec, scale),
          remarks,
        };
      };
      const levels = wanted === undefined ? 0 : halvings(codestream, format, wanted);
      try {
        return await halved(levels);
      } catch (error) {
        // A low band overshoots by itself: whether the values fit is told by the whole picture.
        if (levels === 0 || !isMisfit(error)) throw error;
        return await halved(0);
      }
    },
    async decodePicture(file, { codec, rows, columns, channels }) {
      if (rows * columns > limits.pixels || file.length > limits.encodedBytes) {
        throw new DeepHealthError('pixel.too-large');
      }
      const { samples, coloured } = await pool.run(() => ({
        // A copy of its own: it is handed over to the worker.
        ...{ bytes: new Uint8Array(file), rows, columns, channels },
        codec: `${codec}-picture`,
      }));
      if (samples?.length !== rows * columns) throw new DeepHealthError('picture.undecodable');
      return { samples, coloured };
    },
    release: ({ samples }) => memory.give(samples.buffer),
    close: () => pool.close(),
  };
}

function isMisfit(error: unknown): boolean {
  return error instanceof DeepHealthError && error.code === 'pixel.precision-mismatch';
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
