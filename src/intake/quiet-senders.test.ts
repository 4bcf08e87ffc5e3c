import assert from 'node:assert/strict';
import { test } from 'node:test';
import { studyUid } from '../ledger/uids.ts';
import { quietSenders } from './quiet-senders.ts';

const [one, two] = [studyUid('1.2.1'), studyUid('1.2.2')];

function quiet(t: import('node:test').TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const settled: string[][] = [];
  const senders = quietSenders({ quietMs: () => 100, onQuiet: (studies) => void settled.push([...studies]) });
  return { senders, settled, pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('a study is complete when its sender was quiet for a moment after the answer', (t) => {
  const { senders, settled, pass } = quiet(t);
  const end = senders.began('a');
  pass(5000);
  end([one]);
  pass(99);
  assert.deepEqual(settled, []);
  pass(1);
  assert.deepEqual(settled, [[one]]);
});

test('a sender that goes on, in turn or side by side, is waited for', (t) => {
  const { senders, settled, pass } = quiet(t);
  senders.began('a')([one]);
  pass(60);
  const next = senders.began('a');
  const beside = senders.began('a');
  pass(500);
  next([one]);
  pass(500);
  beside([two]);
  pass(100);
  assert.deepEqual(settled, [[one, two]]);
});

test('one sender does not hold up the studies of another, and a request that completed nothing settles nothing', (t) => {
  const { senders, settled, pass } = quiet(t);
  senders.began('busy');
  senders.began('a')([one]);
  senders.began('b')([]);
  pass(100);
  assert.deepEqual(settled, [[one]]);
});
