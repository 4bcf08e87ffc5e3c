import { createPieces, MOST_PIECE_BYTES, pieceBytes } from './pieces.ts';

/** When nobody took or gave anything for so long, what is not in use is let go. */
const IDLE_MS = 30_000;

/**
 * Memory that is used again. Fresh memory costs more than most of what is done with it: the system clears it page by
 * page, and V8 collects the whole heap after every few films' worth of it. It is not cleared between uses.
 */
export interface SpareMemory {
  /** A piece of this size or larger, held by nobody else. */
  take(bytes: number): ArrayBuffer;
  /** Gives a piece back, which nobody may look at any more. */
  give(piece: ArrayBuffer): void;
}

/** @param most pieces kept when they are not in use. */
export function createSpareMemory(most: number): SpareMemory {
  const spare = createPieces<ArrayBuffer>();
  let idle: NodeJS.Timeout | undefined;
  return {
    take: (bytes) => spare.takeFitting(bytes) ?? new ArrayBuffer(pieceBytes(bytes)),
    give(piece) {
      if (piece.byteLength > MOST_PIECE_BYTES || piece.byteLength === 0) return;
      spare.put(piece);
      if (spare.count > most) spare.dropSmallest();
      clearTimeout(idle);
      idle = setTimeout(spare.clear, IDLE_MS).unref();
    },
  };
}
