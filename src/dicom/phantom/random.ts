/** A repeatable source of chance: the same seed gives the same film on every machine. */
export interface Chance {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform between two bounds. */
  between(low: number, high: number): number;
  /** Normal with mean 0 and deviation 1. */
  normal(): number;
}

/** @param seed any number; its low 32 bits count. */
export function chance(seed: number): Chance {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}
