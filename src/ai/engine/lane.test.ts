import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { openNetwork } from './network.ts';

const MODEL = path.resolve(import.meta.dirname, '../../../models/pneumonia-inception-v3/backbone.onnx');
const FILE = {
  bytes: async () => readFile(MODEL),
  input: { name: 'image', shape: [1, 299, 299] },
  outputs: { features: { shape: [2048] } },
};
const picture = new Float32Array(299 * 299).fill(0.5);

/** The threads that are started while `work` runs. */
async function threadsOf<Result>(work: () => Promise<Result>): Promise<[Result, Worker[]]> {
  const threads: Worker[] = [];
  const note = (worker: Worker) => void threads.push(worker);
  process.on('worker', note);
  try {
    return [await work(), threads];
  } finally {
    process.off('worker', note);
  }
}

test('a pass whose thread dies fails with a code, and the next ones have a new thread and the same answer', async () => {
  const [network, [first]] = await threadsOf(() => openNetwork(FILE, { engine: 'onnx', threads: 1 }));
  try {
    const before = await network.run(picture, 1);
    const cut = network.run(picture, 1);
    const queued = network.run(picture, 1);
    await Promise.all([
      first?.terminate(),
      assert.rejects(cut, { code: 'engine.failed' }),
      assert.rejects(queued, { code: 'engine.failed' }),
    ]);
    const [again, [second]] = await threadsOf(() => network.run(picture, 1));
    assert.deepEqual(again, before);
    assert.ok(second !== undefined);
    // One that dies while nobody uses it is found out by the next pass.
    await second.terminate();
    await assert.rejects(network.run(picture, 1), { code: 'engine.failed' });
    assert.deepEqual(await network.run(picture, 1), before);
  } finally {
    await network.close();
  }
});
