import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ahead } from './ahead.ts';

test('results come in the order of the inputs, whichever is finished first', async () => {
  const pauses = [30, 1, 10, 1, 5, 0];
  const got: number[] = [];
  const work = async (index: number) => {
    await sleep(pauses[index] ?? 0);
    return index;
  };
  for await (const result of ahead([0, 1, 2, 3, 4, 5], { work, limit: 4 })) got.push(result);
  assert.deepEqual(got, [0, 1, 2, 3, 4, 5]);
});

test('no more inputs are under way or waiting than allowed', async () => {
  let waiting = 0;
  let most = 0;
  const work = async (index: number) => {
    waiting += 1;
    most = Math.max(most, waiting);
    await sleep(1);
    return index;
  };
  const inputs = Array.from({ length: 40 }, (_, i) => i);
  for await (const _result of ahead(inputs, { work, limit: 5 })) {
    waiting -= 1;
    await sleep(2);
  }
  assert.equal(waiting, 0);
  assert.equal(most, 5);
});

test('behind a slow one others are worked on, as many as may be kept, and never more at once than allowed', async () => {
  const slow = Promise.withResolvers<void>();
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const work = async (index: number) => {
    begun.push(index);
    running += 1;
    most = Math.max(most, running);
    await (index === 0 ? slow.promise : sleep(1));
    running -= 1;
    if (index === 6) slow.resolve();
    return index;
  };
  const got: number[] = [];
  for await (const result of ahead([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { work, limit: 2, kept: 7 })) {
    if (result === 0) assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6], 'nobody took a result meanwhile');
    got.push(result);
  }
  assert.deepEqual(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.equal(most, 2);
});

test('a place that gets free is taken while the consumer is at something else', async () => {
  const third = Promise.withResolvers<void>();
  const work = async (index: number) => {
    if (index === 2) third.resolve();
    return index;
  };
  for await (const result of ahead([0, 1, 2], { work, limit: 1, kept: 3 })) {
    if (result === 0) await third.promise;
  }
});

test('what the source throws comes after the results that were begun before', async () => {
  async function* source() {
    yield 1;
    yield 2;
    throw new Error('the folder is gone');
  }
  const got: number[] = [];
  await assert.rejects(async () => {
    for await (const result of ahead(source(), { work: async (n: number) => n, limit: 5 })) got.push(result);
  }, /the folder is gone/);
  assert.deepEqual(got, [1, 2]);
});

test('a consumer that stops early ends the source and leaves no work behind', async () => {
  let ended = false;
  let running = 0;
  async function* source() {
    try {
      for (let i = 0; ; i += 1) yield i;
    } finally {
      ended = true;
    }
  }
  const work = async (index: number) => {
    running += 1;
    await sleep(3);
    running -= 1;
    return index;
  };
  for await (const result of ahead(source(), { work, limit: 3 })) if (result >= 4) break;
  assert.equal(ended, true);
  assert.equal(running, 0);
});
