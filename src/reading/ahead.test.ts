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
  for await (const result of ahead([0, 1, 2, 3, 4, 5], work, 4)) got.push(result);
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
  for await (const _result of ahead(inputs, work, 5)) {
    waiting -= 1;
    await sleep(2);
  }
  assert.equal(waiting, 0);
  assert.equal(most, 5);
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
  for await (const result of ahead(source(), work, 3)) if (result >= 4) break;
  assert.equal(ended, true);
  assert.equal(running, 0);
});
