import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextAttempt, type RetryPolicy } from './retry.ts';

const POLICY: RetryPolicy = { baseMs: 1000, capMs: 60_000, giveUpAfterMs: 86_400_000 };
const now = 1_000_000;

function delay(failures: number, random: number): number {
  const next = nextAttempt('transient', { failures, firstAttemptAt: now, now }, POLICY, () => random);
  assert.equal(next.kind, 'again');
  return next.kind === 'again' ? next.at - now : Number.NaN;
}

test('the delay doubles with every failure and stays below its cap', () => {
  assert.deepEqual(
    [1, 2, 3, 6, 7, 50, 5000].map((failures) => delay(failures, 1)),
    [1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000],
  );
});

test('what failed together is spread over the upper half of the delay', () => {
  assert.equal(delay(3, 0), 2000);
  assert.equal(delay(3, 0.5), 3000);
});

test('a permanent failure is never tried again, however early', () => {
  assert.deepEqual(nextAttempt('permanent', { failures: 1, firstAttemptAt: now, now }, POLICY), {
    kind: 'give-up',
  });
});

test('an ambiguous failure is tried again like a transient one', () => {
  assert.deepEqual(
    nextAttempt('ambiguous', { failures: 1, firstAttemptAt: now, now }, POLICY, () => 0),
    nextAttempt('transient', { failures: 1, firstAttemptAt: now, now }, POLICY, () => 0),
  );
});

test('it gives up when the time is over, or the attempts are', () => {
  const late = { failures: 2, firstAttemptAt: now - POLICY.giveUpAfterMs, now };
  assert.equal(nextAttempt('transient', late, POLICY).kind, 'give-up');
  const often = { failures: 5, firstAttemptAt: now, now };
  assert.equal(nextAttempt('transient', often, { ...POLICY, maxAttempts: 5 }).kind, 'give-up');
  assert.equal(nextAttempt('transient', often, { ...POLICY, maxAttempts: 6 }).kind, 'again');
});
