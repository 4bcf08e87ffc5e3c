import { DeepHealthError } from '../errors/error.ts';
import type { Ledger, StudyClaim } from '../ledger/types.ts';
import type { StudyHandler } from './types.ts';

/**
 * Has a claimed study worked on and keeps its lease up meanwhile. Never rejects: what the handler throws goes
 * to `onError`.
 */
export async function workUnderLease(
  ledger: Ledger,
  claim: StudyClaim,
  leaseMs: number,
  handler: StudyHandler,
  onError: (error: unknown) => void,
): Promise<void> {
  const lost = new AbortController();
  // Three chances before the lease ends; a ledger that is away for longer costs a second reading at most.
  const keeper = setInterval(() => {
    ledger.claims.extend(claim, leaseMs).catch((error: unknown) => {
      if (error instanceof DeepHealthError && error.code === 'ledger.claim-lost') lost.abort(error);
      else onError(error);
    });
  }, leaseMs / 3);
  try {
    await handler(claim, lost.signal);
  } catch (error) {
    onError(error);
  } finally {
    clearInterval(keeper);
  }
}
