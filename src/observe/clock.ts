/** Smaller steps do no harm: what waits for a time waits so much longer. */
const NOTICEABLE_MS = 500;

export interface ClockWatch {
  /** Milliseconds by which the wall clock was set back since the last call; 0 when it was not. */
  setBackMs(): number;
}

/**
 * Compares the wall clock with the one that only runs: a time server, a person or a virtual machine that was
 * moved may set the wall clock back.
 *
 * @param wall milliseconds since the epoch
 * @param running milliseconds since any instant, never set
 */
export function watchClock(
  wall: () => number = Date.now,
  running: () => number = () => performance.now(),
): ClockWatch {
  let ahead = wall() - running();
  return {
    setBackMs() {
      const before = ahead;
      ahead = wall() - running();
      return before - ahead > NOTICEABLE_MS ? before - ahead : 0;
    },
  };
}
