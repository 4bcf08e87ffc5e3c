import type { ErrorCode } from '../../../errors/error.ts';
import type { PictureHeader } from '../picture/header.ts';
import type { Codestream } from './codestream.ts';

/** What a worker begins with. */
export interface DecoderSeed {
  /** Most that a WebAssembly heap may grow to. */
  readonly heapBytes: number;
}

/** What a worker is asked: one compressed frame, checked against its header. */
export interface DecodeJob {
  readonly codec: Codestream['codec'];
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly columns: number;
  readonly precision: number;
  readonly signed: boolean;
  /** Values may have been changed by the coding: the transfer syntax allows it. */
  readonly lossy: boolean;
  /** The cells that the header promises. */
  readonly bitsAllocated: 8 | 16;
  /** Bits of a cell that may be used. */
  readonly bitsStored: number;
  readonly pixelRepresentation: 0 | 1;
  /** How often the picture is halved; `rows` and `columns` are of what is left. */
  readonly levels: number;
  /** What the samples are put into where they fit. */
  readonly memory?: ArrayBufferLike;
}

/** The other thing that a worker is asked: the greys of a JPEG or PNG file. */
export interface PictureJob extends Pick<PictureHeader, 'rows' | 'columns' | 'channels'> {
  readonly codec: 'jpeg-picture' | 'png-picture';
  readonly bytes: Uint8Array;
}

/** What a worker says: once that it is ready, then an answer to each job. */
export type WorkerWord = { readonly kind: 'ready' } | DecodeReply;

/** What a worker answers. `heapBytes` is the size of its WebAssembly heap now. */
export type DecodeReply =
  | {
      readonly kind: 'decoded';
      /** Absent: they stand in the memory of the job, which both threads see. */
      readonly samples?: Uint8Array | Uint16Array;
      /** Cells beyond Bits Stored that a lossy coding overshot to and that were clamped. */
      readonly clamped: number;
      /** Pixels of a picture file whose channels lie far apart. */
      readonly coloured: number;
      readonly heapBytes: number;
    }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly heapBytes: number;
    };
