import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { type Step, startLoop } from './loop.ts';

const log = pino({ level: 'silent' });
const { signal } = new AbortController();

test('steps follow each other while there is work, and a sleeping loop is woken', async () => {
  const work = ['a', 'b'];
  const done: string[] = [];
  let idle: () => void = () => {};
  const slept = new Promise<void>((resolve) => {
    idle = resolve;
  });
  let woken: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    woken = resolve;
  });
  const loop = startLoop({
    ...{ name: 'test', log, signal, pauseMs: 3_600_000 },
    async step(): Promise<Step> {
      const next = work.shift();
      if (next === undefined) {
        idle();
        return { kind: 'idle' };
      }
      done.push(next);
      if (next === 'c') woken();
      return { kind: 'worked' };
    },
  });
  await slept;
  assert.deepEqual(done, ['a', 'b']);
  work.push('c');
  loop.wake();
  await finished;
  await loop.stop();
});

test('a step that fails is tried again, and stop waits for the step in hand', async () => {
  let calls = 0;
  let ended = false;
  let inHand: () => void = () => {};
  const second = new Promise<void>((resolve) => {
    inHand = resolve;
  });
  const loop = startLoop({
    ...{ name: 'test', log, signal, pauseMs: 1 },
    async step(): Promise<Step> {
      calls += 1;
      if (calls === 1) throw new Error('the database is away');
      inHand();
      await new Promise((resolve) => setTimeout(resolve, 50));
      ended = true;
      return { kind: 'worked' };
    },
  });
  loop.wake();
  await second;
  await loop.stop();
  assert.ok(ended);
  assert.ok(calls >= 2);
});
