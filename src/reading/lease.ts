import { DeepHealthError } from '../errors/error.ts';

/** A lease that is kept up while the work lasts. */
export interface KeptLease<Claim> {
  /** The claim as last extended. */
  readonly claim: Claim;
  /** Aborted when the lease was lost: whatever comes out of the work is not wanted any more. */
  readonly lost: AbortSignal;
  release(): void;
}

/**
 * Extends a lease a third of its length before it would be noticed missing. A database that does not answer
 * is no reason to stop working: the write at the end is fenced and tells.
 */
export function keepLease<Claim>(
  claim: Claim,
  leaseMs: number,
  extend: (claim: Claim, leaseMs: number) => Promise<Claim>,
): KeptLease<Claim> {
  const lost = new AbortController();
  let current = claim;
  let extending = false;
  const timer = setInterval(() => {
    if (extending) return;
    extending = true;
    extend(current, leaseMs)
      .then(
        (next) => {
          current = next;
        },
        (error: unknown) => {
          if (error instanceof DeepHealthError && error.code === 'ledger.claim-lost') lost.abort(error);
        },
      )
      .finally(() => {
        extending = false;
      });
  }, leaseMs / 3);
  timer.unref();
  return {
    get claim() {
      return current;
    },
    lost: lost.signal,
    release: () => clearInterval(timer),
  };
}
