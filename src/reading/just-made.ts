/** Bytes of results that were just made and stored, for whoever delivers them in the same process. */
export interface JustMade {
  keep(sha256: string, bytes: Uint8Array): void;
  /** Gives bytes away; undefined where they are not there (any more): the ledger has them. */
  take(sha256: string): Uint8Array | undefined;
}

/** Smaller ones are quickly read. */
const LEAST_BYTES = 64 * 2 ** 10;

/**
 * @param most bytes that are kept in all; the oldest go first. A destination that is away costs no more than this.
 */
export function createJustMade(most: number): JustMade {
  const kept = new Map<string, Uint8Array>();
  let size = 0;
  const take = (sha256: string): Uint8Array | undefined => {
    const bytes = kept.get(sha256);
    kept.delete(sha256);
    size -= bytes?.length ?? 0;
    return bytes;
  };
  return {
    keep(sha256, bytes) {
      if (bytes.length < LEAST_BYTES || bytes.length > most) return;
      take(sha256);
      kept.set(sha256, bytes);
      size += bytes.length;
      for (const oldest of kept.keys()) {
        if (size <= most) break;
        take(oldest);
      }
    },
    take,
  };
}
