import { DeepHealthError, ERROR_KINDS, type ErrorCode } from '../errors/error.ts';
import type { ErrorKind } from '../errors/kinds.ts';
import { nextAttempt, type RetryPolicy } from '../errors/retry.ts';
import type { Instant, Reason } from '../ledger/types.ts';

/** What follows a failed attempt. */
export type Verdict =
  | { readonly kind: 'again'; readonly at: Instant; readonly reason: Reason }
  | { readonly kind: 'park'; readonly reason: Reason };

export interface AttemptsSoFar {
  /** Failures, the one just met included; at least 1. */
  readonly failures: number;
  readonly firstAttemptAt: Instant;
  readonly now: Instant;
  /** What the peer itself asked us to wait (Retry-After), in milliseconds. */
  readonly askedWaitMs?: number | undefined;
}

/** A peer that is away is tried for as long as it takes; the cap is low, so that a backlog drains soon. */
const TRANSIENT: RetryPolicy = { baseMs: 1000, capMs: 60_000, giveUpAfterMs: Number.POSITIVE_INFINITY };
/** What was sent without an answer is sent again for a day, then a person has to look (standards 3.5). */
const AMBIGUOUS: RetryPolicy = { baseMs: 1000, capMs: 60_000, giveUpAfterMs: 24 * 60 * 60_000 };
/** Few attempts are spread over minutes, for a receiver that restarts. */
const LIMITED: RetryPolicy = { baseMs: 5000, capMs: 5 * 60_000, giveUpAfterMs: Number.POSITIVE_INFINITY };

/** Decides by the code alone what follows: another attempt at a time, or parking for a person. */
export function verdictOf(code: ErrorCode, attempts: AttemptsSoFar, message?: string): Verdict {
  const kind: ErrorKind = ERROR_KINDS[code];
  const reason: Reason = { code, message: message ?? kind.meaning };
  const policy =
    kind.attempts !== undefined
      ? { ...LIMITED, maxAttempts: kind.attempts }
      : kind.retry === 'ambiguous'
        ? AMBIGUOUS
        : TRANSIENT;
  const next = nextAttempt(kind.retry, attempts, policy);
  if (next.kind === 'give-up') return { kind: 'park', reason };
  return { kind: 'again', at: Math.max(next.at, attempts.now + (attempts.askedWaitMs ?? 0)), reason };
}

/** The code of a failure, and its sentence where it is one of ours (others may quote patient data). */
export function codeOf(error: unknown): { readonly code: ErrorCode; readonly message?: string } {
  if (error instanceof DeepHealthError) return { code: error.code, message: error.message };
  return { code: 'internal.unexpected' };
}
