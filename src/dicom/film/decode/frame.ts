import type { Remark } from '../film.ts';

/** How the header says that the pixels of a frame are laid out (PS3.3 C.7.6.3). */
export interface FrameFormat {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16 | 32;
  readonly bitsStored: number;
  readonly highBit: number;
  /** 0 unsigned, 1 two's complement. */
  readonly pixelRepresentation: 0 | 1;
  readonly samplesPerPixel: number;
  readonly photometricInterpretation: string;
  readonly planarConfiguration: 0 | 1;
}

/** One frame as it was stored, native or encapsulated. */
export interface EncodedFrame {
  /** UID of the transfer syntax that the fragments are in (PS3.5 10, A). */
  readonly transferSyntax: string;
  readonly format: FrameFormat;
  /** The bytes of this frame in order: one piece when native, one or more fragments when encapsulated. */
  readonly fragments: readonly Uint8Array[];
  /**
   * VR of Pixel Data. It only matters for big endian frames of 8 bits: written as OW, their bytes stand
   * swapped in words. Left out, OB is taken.
   */
  readonly vr?: 'OB' | 'OW';
}

/** One decoded frame: row-major cells, one a pixel. */
export interface DecodedFrame {
  readonly rows: number;
  readonly columns: number;
  /**
   * Raw stored cells: the bits above High Bit are not masked and the sign is not extended. May share memory
   * with the fragments when they were native, and is written over once the frame was released.
   */
  readonly samples: Uint8Array | Uint16Array;
  /** 1 full size, 2 half the rows and columns (rounded up), and so on. */
  readonly scale: number;
  /**
   * Where the upper left edge of the first cell lies, in columns and rows of the film; 0 at full size. A wavelet's
   * low band samples the film at multiples of the scale, so its cells begin before the film does.
   */
  readonly origin: number;
  readonly remarks: readonly Remark[];
}
