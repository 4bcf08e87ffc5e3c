/** Memory is taken in steps of this, so that what is about the same size fits into the same. */
const STEP = 2 ** 20;
/** When nobody took or gave anything for so long, what is not in use is let go. */
const IDLE_MS = 30_000;
/** Larger pieces are not kept: they are of rare files. */
const MOST_BYTES = 32 * 2 ** 20;

/**
 * Memory that is used again. Fresh memory costs more than most of what is done with it: the system clears it page by
 * page, and V8 collects the whole heap after every few films' worth of it. It is not cleared between uses.
 */
export interface SpareMemory {
  /** A piece of this size or larger, held by nobody else. */
  take(bytes: number): ArrayBuffer;
  /** Gives a piece back, which nobody may look at any more. */
  give(piece: ArrayBuffer): void;
  /** Lets go of what is not in use. */
  clear(): void;
}

/** @param most pieces kept when they are not in use. */
export function createSpareMemory(most: number): SpareMemory {
  /** Smallest first. */
  const spare: ArrayBuffer[] = [];
  let idle: NodeJS.Timeout | undefined;
  const clear = () => {
    spare.length = 0;
  };
  return {
    take(bytes) {
      const fitting = spare.findIndex((piece) => piece.byteLength >= bytes);
      if (fitting >= 0) return spare.splice(fitting, 1)[0] as ArrayBuffer;
      return new ArrayBuffer(Math.max(1, Math.ceil(bytes / STEP)) * STEP);
    },
    give(piece) {
      if (piece.byteLength > MOST_BYTES || piece.byteLength === 0) return;
      const larger = spare.findIndex(({ byteLength }) => byteLength > piece.byteLength);
      spare.splice(larger < 0 ? spare.length : larger, 0, piece);
      // The smallest goes: a larger one serves as well.
      if (spare.length > most) spare.shift();
      clearTimeout(idle);
      idle = setTimeout(clear, IDLE_MS).unref();
    },
    clear,
  };
}
