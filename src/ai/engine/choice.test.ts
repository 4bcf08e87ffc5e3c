import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { measureApart, measureEngine, rememberChoice, rememberedChoice } from './choice.ts';

const model = path.resolve(import.meta.dirname, '../../../models/pneumonia-inception-v3');
let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dh-choice-'));
});
after(() => rm(folder, { recursive: true }));

test('the engine is measured with the network itself, and what was found shares the cores', async () => {
  const bytes = await readFile(path.join(model, 'localiser.onnx'));
  const file = {
    bytes,
    input: { name: 'window', shape: [1, 64, 64] },
    outputs: { box: { shape: [4] } },
  };
  const found = await measureEngine(file, 2);
  assert.equal(found.threads, 2);
  assert.ok(found.lanes === 1 || found.lanes === 2);
  assert.ok(found.filmsPerSecond > 0);
});

test('it can be measured in a process of its own; a model that is not there gives no choice', async () => {
  assert.equal(await measureApart(path.join(folder, 'nowhere')), undefined);
});

test('what was measured is remembered for this machine and this model alone', async () => {
  const file = path.join(folder, 'data', 'engine.json');
  const choice = { threads: 2, lanes: 2, filmsPerSecond: 50 };
  assert.equal(await rememberedChoice(file, 'a'), undefined);
  await rememberChoice(file, 'a', choice);
  assert.deepEqual(await rememberedChoice(file, 'a'), choice);
  assert.equal(await rememberedChoice(file, 'b'), undefined);
});

test('a damaged file, or one with other values, is as if there were none', async () => {
  const file = path.join(folder, 'engine.json');
  await writeFile(file, '{"half":');
  assert.equal(await rememberedChoice(file, 'a'), undefined);
  await rememberChoice(file, 'a', { threads: 0, lanes: 1, filmsPerSecond: 1 });
  assert.equal(await rememberedChoice(file, 'a'), undefined);
});

test('a folder that cannot be written keeps nobody from reading films', async () => {
  const file = path.join(folder, 'a-file');
  await writeFile(file, '');
  await rememberChoice(path.join(file, 'engine.json'), 'a', { threads: 1, lanes: 1, filmsPerSecond: 1 });
});
