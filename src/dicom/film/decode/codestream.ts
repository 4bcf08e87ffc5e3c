import { DeepHealthError } from '../../../errors/error.ts';
import { readJpeg } from './jpeg-header.ts';
import { readJpeg2000 } from './jpeg2000-header.ts';
import { readRle } from './rle.ts';
import type { Coding } from './syntaxes.ts';

/** What a compressed frame says about itself. */
export interface Codestream {
  /** The decoder that it needs; the bytes decide, not the transfer syntax. */
  readonly codec: 'rle' | 'jpeg' | 'jpeg-ls' | 'jpeg-2000' | 'htj2k';
  /** Not known for RLE, which has no header for it. */
  readonly size: { readonly rows: number; readonly columns: number } | undefined;
  /** Bits a sample. */
  readonly precision: number;
  /** Samples are two's complement numbers (JPEG 2000 only). */
  readonly signed: boolean;
  readonly components: number;
  /** How often the picture can be halved while it is decoded; 0 for most codings. */
  readonly levels: number;
  /** False when the coding surely lost something. */
  readonly lossless: boolean;
  /** The bytes to decode, without a file format around them. */
  readonly bytes: Uint8Array;
}

/** Most kinds of syntax may hold one kind of codestream; JPEG 2000 parts mix in practice. */
const ACCEPTED: Readonly<Record<Exclude<Coding, 'little' | 'big'>, readonly Codestream['codec'][]>> = {
  rle: ['rle'],
  jpeg: ['jpeg'],
  'jpeg-ls': ['jpeg-ls'],
  'jpeg-2000': ['jpeg-2000', 'htj2k'],
  htj2k: ['htj2k', 'jpeg-2000'],
};

/**
 * Reads the codestream's own header and checks that it is whole.
 * @throws DeepHealthError `pixel.undecodable` when it is not what the transfer syntax says, `pixel.truncated`
 * when its end is missing.
 */
export function readCodestream(coding: Exclude<Coding, 'little' | 'big'>, bytes: Uint8Array): Codestream {
  const found =
    coding === 'rle'
      ? readRle(bytes)
      : coding === 'jpeg' || coding === 'jpeg-ls'
        ? readJpeg(bytes)
        : readJpeg2000(bytes);
  if (!ACCEPTED[coding].includes(found.codec)) {
    throw new DeepHealthError(
      'pixel.undecodable',
      `The transfer syntax says ${coding}, the pixels are coded as ${found.codec}.`,
    );
  }
  return found;
}
