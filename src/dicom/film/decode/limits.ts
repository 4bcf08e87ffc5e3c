/** What a frame may cost before it is refused or its decoder stopped. */
export interface DecodeLimits {
  /** Bytes of all fragments of a frame. */
  readonly encodedBytes: number;
  /** Rows × columns. */
  readonly pixels: number;
  /** Milliseconds that a worker may spend on a frame before it is ended; its own start does not count. */
  readonly milliseconds: number;
  /** Milliseconds that a worker may take to start before it is given up. */
  readonly startMilliseconds: number;
  /** Bytes that a worker's WebAssembly heap can grow to; decoding that wants more fails. */
  readonly heapBytes: number;
  /** A worker whose heap has grown past this many bytes is replaced after the frame (heaps never shrink). */
  readonly recycleHeapBytes: number;
  /** A worker is replaced after this many frames. */
  readonly recycleFrames: number;
  /** Frames that may wait for a worker; more are refused with a transient error. */
  readonly waiting: number;
}

/**
 * Room for the largest films in use (a 43 cm plate at 100 µm has 18 million pixels, a mammogram 29) and no
 * more. OpenJPEG takes about 14 heap bytes a pixel, so the heap bound follows from the pixel bound.
 */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = {
  encodedBytes: 128 * 2 ** 20,
  pixels: 48 * 2 ** 20,
  milliseconds: 30_000,
  startMilliseconds: 60_000,
  heapBytes: 1024 * 2 ** 20,
  recycleHeapBytes: 160 * 2 ** 20,
  recycleFrames: 500,
  waiting: 64,
};
