/** The share of time that a repeated question may take. */
const SHARE = 0.02;
const LEAST_MS = 1000;

/**
 * Asks at most so often that the asking takes a fiftieth of the time: what costs 250 ms on a large ledger is
 * asked every 12 s, however many ask. An answer that failed is not kept.
 */
export function cachedByCost<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let kept: { readonly answer: Answer; readonly until: number } | undefined;
  let asking: Promise<Answer> | undefined;

  async function once(): Promise<Answer> {
    const began = performance.now();
    try {
      const answer = await ask();
      const now = performance.now();
      kept = { answer, until: now + Math.max(LEAST_MS, (now - began) / SHARE) };
      return answer;
    } finally {
      asking = undefined;
    }
  }

  return () => {
    if (kept !== undefined && performance.now() < kept.until) return Promise.resolve(kept.answer);
    asking ??= once();
    return asking;
  };
}
