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

test('a router that is never quiet is not remembered by every study that it ever sent', (t) => {
  const { senders, settled, pass } = quiet(t);
  let end = senders.began('router');
  for (let at = 0; at < 5000; at++) {
    const next = senders.began('router');
    end([studyUid(`1.2.${at}`)]);
    end = next;
  }
  end([]);
  pass(100);
  const [studies = []] = settled;
  assert.equal(studies.length, 1000);
  assert.equal(studies.at(-1), '1.2.4999', 'the newest are those that may still settle early');
});
