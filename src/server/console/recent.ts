/** Results that are costly to make and asked for several times: the last few are kept. */
export interface Recent<Result> {
  /** What was made for this key, or is being made; a failure is not kept. */
  get(key: string, make: () => Promise<Result>): Promise<Result>;
}

/** @param most how many are kept; the one that was not asked for the longest goes first */
export function keepRecent<Result>(most: number): Recent<Result> {
  const kept = new Map<string, Promise<Result>>();
  return {
    get(key, make) {
      const known = kept.get(key);
      if (known !== undefined) {
        kept.delete(key);
        kept.set(key, known);
        return known;
      }
      const made = make();
      kept.set(key, made);
      made.catch(() => {
        if (kept.get(key) === made) kept.delete(key);
      });
      for (const oldest of kept.keys()) {
        if (kept.size <= most) break;
        kept.delete(oldest);
      }
      return made;
    },
  };
}
