/** How far a long piece of work is. */
export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  /** Seconds left in this stage at the pace so far; undefined before the first step. */
  readonly secondsLeft: number | undefined;
}

/** Counts steps and tells about them, at the pace of the work that is really done. */
export function pace(
  stage: string,
  total: number,
  onProgress: ((progress: Progress) => void) | undefined,
): (steps: number, cheap?: boolean) => void {
  const started = performance.now();
  let done = 0;
  let worked = 0;
  onProgress?.({ stage, done, total, secondsLeft: undefined });
  return (steps, cheap = false) => {
    done += steps;
    if (!cheap) worked += steps;
    const each = (performance.now() - started) / 1000 / worked;
    onProgress?.({ stage, done, total, secondsLeft: worked === 0 ? undefined : each * (total - done) });
  };
}
