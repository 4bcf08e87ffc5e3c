/** Pieces are of whole steps, so that what is about the same size fits into the same. */
const STEP = 2 ** 20;
/** Larger pieces are of rare frames. */
const MOST_BYTES = 32 * 2 ** 20;

/**
 * Memory that this thread and the decoders both see, used again and not cleared between uses.
 *
 * Handed over instead, the memory of a frame would leave the count of what this thread has and come back: V8 takes
 * each return for that much growth, and marks its whole heap after every film (docs/decisions/0121).
 */
export interface SharedMemory {
  /** A piece of this size or larger, held by nobody else. One that is not shared, where no shared one is to be had. */
  take(bytes: number): ArrayBufferLike;
  /** Gives a piece back, which no thread looks at any more. */
  give(piece: ArrayBufferLike): void;
  /** Lets go of what is not in use. */
  clear(): void;
}

/**
 * @param most shared pieces at once, those in use counted: V8 does not count their size, so that garbage of them would
 * not bring about its own collection.
 */
export function createSharedMemory(most: number): SharedMemory {
  /** Smallest first. */
  const spare: SharedArrayBuffer[] = [];
  const lent = new Set<ArrayBufferLike>();
  const lend = (piece: SharedArrayBuffer): SharedArrayBuffer => {
    lent.add(piece);
    return piece;
  };
  return {
    take(bytes) {
      const fitting = spare.findIndex((piece) => piece.byteLength >= bytes);
      if (fitting >= 0) return lend(spare.splice(fitting, 1)[0] as SharedArrayBuffer);
      if (bytes > MOST_BYTES) return new ArrayBuffer(bytes);
      // The smallest makes room: a larger one serves as well.
      if (spare.length + lent.size >= most && spare.shift() === undefined) return new ArrayBuffer(bytes);
      return lend(new SharedArrayBuffer(Math.max(1, Math.ceil(bytes / STEP)) * STEP));
    },
    give(piece) {
      if (!lent.delete(piece) || !(piece instanceof SharedArrayBuffer)) return;
      const larger = spare.findIndex(({ byteLength }) => byteLength > piece.byteLength);
      spare.splice(larger < 0 ? spare.length : larger, 0, piece);
    },
    clear() {
      spare.length = 0;
    },
  };
}
