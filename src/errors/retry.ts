import type { Retry } from './kinds.ts';

/** How often and how long something is tried again. */
export interface RetryPolicy {
  /** Delay after the first failure, in milliseconds; it doubles with each further one. */
  readonly baseMs: number;
  /** Longest delay, in milliseconds. */
  readonly capMs: number;
  /** Gives up when the first attempt is this long ago, in milliseconds. */
  readonly giveUpAfterMs: number;
  /** Gives up after this many failures; without it only time counts. */
  readonly maxAttempts?: number;
}

/** What is known of the attempts so far; times in milliseconds since the epoch. */
export interface Attempts {
  /** Failures, the one just met included; at least 1. */
  readonly failures: number;
  readonly firstAttemptAt: number;
  readonly now: number;
}

export type NextAttempt = { readonly kind: 'again'; readonly at: number } | { readonly kind: 'give-up' };

/**
 * When a failure of this class is met again. A permanent one never is. The delay is drawn from the upper half
 * of its range, so that what failed together does not come back together. `random` gives 0 <= x < 1.
 */
export function nextAttempt(
  retry: Retry,
  { failures, firstAttemptAt, now }: Attempts,
  policy: RetryPolicy,
  random: () => number = Math.random,
): NextAttempt {
  if (retry === 'permanent') return { kind: 'give-up' };
  if (policy.maxAttempts !== undefined && failures >= policy.maxAttempts) return { kind: 'give-up' };
  if (now - firstAttemptAt >= policy.giveUpAfterMs) return { kind: 'give-up' };
  const longest = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(failures - 1, 40));
  return { kind: 'again', at: now + Math.round(longest * (0.5 + random() / 2)) };
}
