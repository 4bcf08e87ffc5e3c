import { DeepHealthError } from '../errors/error.ts';
import type { Ledger } from '../ledger/types.ts';
import type { Queue } from './types.ts';

export interface Tended {
  /** Studies that settled by time, and those whose reader's lease ran out. */
  readonly settled: number;
  readonly lapsed: number;
  /** Jobs that had not reached the broker before. */
  readonly published: number;
}

/**
 * One round of what time brings about: studies settle, leases run out, retries fall due, and what a broker was
 * not told yet is told. To be called every second or so by any number of processes. A broker that is away is
 * no failure here, the next round goes on with it; a ledger that is away throws.
 */
export async function tendQueue(
  ledger: Ledger,
  queue: Queue,
  options: { readonly maxDeaths?: number } = {},
): Promise<Tended> {
  const settled = await ledger.studies.settleDue();
  const lapsed = await ledger.claims.reap(options);
  const jobs = [...settled, ...lapsed];
  let published = 0;
  try {
    await queue.publish(jobs);
    published = await queue.sweep();
  } catch (error) {
    if (!isAboutBroker(error)) throw error;
  }
  return { settled: settled.length, lapsed: lapsed.length, published };
}

function isAboutBroker(error: unknown): boolean {
  return error instanceof DeepHealthError && error.code.startsWith('queue.');
}
