import { createPieces, MOST_PIECE_BYTES, pieceBytes } from '../../../files/pieces.ts';

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
  const spare = createPieces<SharedArrayBuffer>();
  const lent = new Set<ArrayBufferLike>();
  const lend = (piece: SharedArrayBuffer): SharedArrayBuffer => {
    lent.add(piece);
    return piece;
  };
  return {
    take(bytes) {
      const fitting = spare.takeFitting(bytes);
      if (fitting !== undefined) return lend(fitting);
      if (bytes > MOST_PIECE_BYTES) return new ArrayBuffer(bytes);
      if (spare.count + lent.size >= most && !spare.dropSmallest()) return new ArrayBuffer(bytes);
      return lend(new SharedArrayBuffer(pieceBytes(bytes)));
    },
    give(piece) {
      if (lent.delete(piece) && piece instanceof SharedArrayBuffer) spare.put(piece);
    },
    clear: spare.clear,
  };
}
