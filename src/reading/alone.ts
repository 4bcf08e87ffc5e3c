import type { StudyHandler } from '../queue/types.ts';

/** A study over which so many readers died in a row is suspected to be what kills them. */
const SUSPECT_DEATHS = 2;

/**
 * Reads studies beside each other, but a suspect with no other in hand: if it kills the reader again, it dies
 * alone, and the studies that were read beside it are not counted as its accomplices. Each process keeps this
 * for itself. The order is that of the claims.
 */
export function suspectsAlone(handler: StudyHandler): StudyHandler {
  const inHand = new Set<Promise<void>>();
  /** Settles when the last suspect has ended. */
  let suspect: Promise<void> = Promise.resolve();

  async function together(work: () => Promise<void>): Promise<void> {
    await suspect;
    const running = work();
    inHand.add(running);
    await running.finally(() => inHand.delete(running));
  }

  async function alone(work: () => Promise<void>): Promise<void> {
    const before = suspect;
    const ended = Promise.withResolvers<void>();
    suspect = ended.promise;
    try {
      await before;
      await Promise.allSettled([...inHand]);
      await work();
    } finally {
      ended.resolve();
    }
  }

  return (claim, signal) => (claim.deaths >= SUSPECT_DEATHS ? alone : together)(() => handler(claim, signal));
}
