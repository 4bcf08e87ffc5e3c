import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeepHealthError } from '../errors/error.ts';
import { codeOf, verdictOf } from './retry.ts';

const HOUR = 3_600_000;
const now = 1_800_000_000_000;

test('a receiver that answers AE is tried five times over minutes, then a person has to look', () => {
  let at = now;
  for (let failures = 1; failures < 5; failures += 1) {
    const verdict = verdictOf('hl7.application-error', { failures, firstAttemptAt: now, now: at });
    assert.equal(verdict.kind, 'again');
    if (verdict.kind === 'again') at = verdict.at;
  }
  assert.ok(at - now > 20_000);
  assert.equal(
    verdictOf('hl7.application-error', { failures: 5, firstAttemptAt: now, now: at }).kind,
    'park',
  );
});

test('AR and CR park at the first answer', () => {
  for (const code of ['hl7.application-reject', 'hl7.commit-reject'] as const) {
    assert.equal(verdictOf(code, { failures: 1, firstAttemptAt: now, now }).kind, 'park');
  }
});

test('a peer that is down is tried for as long as it takes, about every minute at last', () => {
  const verdict = verdictOf('web.unreachable', { failures: 900, firstAttemptAt: now - 30 * 24 * HOUR, now });
  assert.equal(verdict.kind, 'again');
  if (verdict.kind === 'again') assert.ok(verdict.at - now >= 30_000 && verdict.at - now <= 60_000);
});

test('what was sent without an answer is sent again for a day', () => {
  const after = (hours: number) =>
    verdictOf('mllp.no-ack', { failures: 9, firstAttemptAt: now - hours * HOUR, now }).kind;
  assert.equal(after(23), 'again');
  assert.equal(after(25), 'park');
});

test('a PACS that names a time is not asked before', () => {
  const verdict = verdictOf('web.busy', { failures: 1, firstAttemptAt: now, now, askedWaitMs: 120_000 });
  assert.ok(verdict.kind === 'again' && verdict.at >= now + 120_000);
});

test('the words of an unknown error are not kept, they may quote a patient', () => {
  assert.deepEqual(codeOf(new Error('cannot parse Doe^Jane')), { code: 'internal.unexpected' });
  assert.equal(codeOf(new DeepHealthError('web.timeout')).code, 'web.timeout');
});
