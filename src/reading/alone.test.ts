import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StudyClaim } from '../ledger/types.ts';
import { studyUid } from '../ledger/uids.ts';
import { suspectsAlone } from './alone.ts';

function claim(number: number, deaths = 0): StudyClaim {
  return {
    studyUid: studyUid(`1.2.${number}`),
    ...{ run: 1, token: 1, worker: 'test', priority: 'routine', attempts: 0, deaths },
    ...{ source: { kind: 'receive', pacs: null }, firstAttemptAt: 0, leaseUntil: 0 },
  };
}

const never = new AbortController().signal;
const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

test('a study over which readers died is read with no other beside it, the others side by side', async () => {
  const inHand = new Set<string>();
  const beside = new Map<string, number>();
  const handler = suspectsAlone(async ({ studyUid }) => {
    inHand.add(studyUid);
    for (const each of inHand) beside.set(each, Math.max(beside.get(each) ?? 0, inHand.size - 1));
    await soon();
    inHand.delete(studyUid);
  });
  const claims = [claim(1), claim(2), claim(3, 2), claim(4, 4), claim(5), claim(6)];
  await Promise.all(claims.map((each) => handler(each, never)));
  assert.deepEqual(Object.fromEntries(beside), {
    ...{ '1.2.1': 1, '1.2.2': 1, '1.2.3': 0, '1.2.4': 0, '1.2.5': 1, '1.2.6': 1 },
  });
});

test('a reading that throws lets the next ones in', async () => {
  const done: string[] = [];
  const handler = suspectsAlone(async ({ studyUid, deaths }) => {
    done.push(studyUid);
    if (deaths > 0) throw new Error('it could not be read');
  });
  const ended = await Promise.allSettled(
    [claim(1, 3), claim(2, 3), claim(3)].map((each) => handler(each, never)),
  );
  assert.deepEqual(
    ended.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(done, ['1.2.1', '1.2.2', '1.2.3']);
});
