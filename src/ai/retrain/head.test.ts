import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Head, logitsOf, softmax } from '../head.ts';
import { seeded } from '../random.ts';
import { LABELS } from '../reading.ts';
import { calibrate, crossEntropy } from './calibrate.ts';
import { trainHead } from './train-head.ts';

const FEATURES = 40;
const blank: Head = {
  labels: LABELS,
  features: FEATURES,
  weights: new Float32Array(3 * FEATURES),
  bias: new Float32Array(3),
};

/** Films whose classes differ in three features, under noise. */
function films(count: number, seed: number) {
  const random = seeded(seed);
  const noise = () => random() + random() + random() - 1.5;
  const classes = Uint8Array.from({ length: count }, (_, i) => (i % 7 < 4 ? 0 : i % 7 < 6 ? 1 : 2));
  const features = Float32Array.from({ length: count * FEATURES }, (_, at) => {
    const [film, k] = [Math.floor(at / FEATURES), at % FEATURES];
    return noise() + (k === classes[film] ? 1 : 0) + 3;
  });
  return { classes, features };
}

const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);

function accuracy(head: Head, set: ReturnType<typeof films>, chosen: Int32Array): number {
  const right = chosen.filter((row) => {
    const logits = logitsOf(head, set.features.subarray(row * FEATURES, (row + 1) * FEATURES));
    return logits.indexOf(Math.max(...logits)) === set.classes[row];
  });
  return right.length / chosen.length;
}

test('a head learns classes that can be told apart, and does so on films it has not seen', async () => {
  const set = films(700, 1);
  const [train, validation, unseen] = [rows(0, 400), rows(400, 550), rows(550, 700)];
  const trained = await trainHead(set, { train, validation, base: blank, epochs: 200 });
  assert.ok(accuracy(trained.head, set, unseen) > 0.65, `${accuracy(trained.head, set, unseen)}`);
  const [first] = trained.epochs;
  const best = trained.epochs[trained.bestEpoch];
  assert.ok(first && best && (best.validationLoss ?? 9) < (first.validationLoss ?? 0) * 0.8);
  const last = trained.epochs.at(-1);
  assert.ok(last && last.epoch >= trained.bestEpoch);
});

test('the head of the best epoch is kept, not that of the last', async () => {
  const set = films(60, 2);
  const [train, validation] = [rows(0, 30), rows(30, 60)];
  const trained = await trainHead(set, { train, validation, base: blank, epochs: 250 });
  const losses = trained.epochs.map((epoch) => epoch.validationLoss ?? 9);
  assert.ok(Math.min(...losses) >= (losses[trained.bestEpoch] ?? 0) - 1e-4);
});

test('a base that already knows is not made worse by a few films', async () => {
  const set = films(900, 3);
  const base = (
    await trainHead(set, { train: rows(0, 800), validation: rows(800, 900), base: blank, epochs: 200 })
  ).head;
  const small = films(230, 4);
  const few = await trainHead(small, { train: rows(0, 15), validation: rows(15, 30), base, epochs: 200 });
  const unseen = rows(30, 230);
  const [before, after] = [accuracy(base, small, unseen), accuracy(few.head, small, unseen)];
  assert.ok(after >= before - 0.04, `${before} before, ${after} after`);
});

test('training twice gives the same head', async () => {
  const set = films(100, 5);
  const once = () =>
    trainHead(set, { train: rows(0, 80), validation: rows(80, 100), base: blank, epochs: 30 });
  assert.deepEqual(await once(), await once());
});

test('training stops when it is told to', async () => {
  const set = films(100, 6);
  const signal = AbortSignal.abort();
  await assert.rejects(
    trainHead(set, { train: rows(0, 80), validation: rows(80, 100), base: blank, epochs: 30, signal }),
    { name: 'AbortError' },
  );
});

test('calibration finds the temperature that overconfident scores need, and thresholds keep their sensitivity', () => {
  const random = seeded(7);
  const classes = new Uint8Array(6000);
  const logits = Array.from(classes, (_, i) => {
    const real = [random() * 4 - 2, random() * 4 - 2, random() * 4 - 2];
    const shares = softmax(real);
    const drawn = random();
    classes[i] = drawn < (shares[0] ?? 0) ? 0 : drawn < (shares[0] ?? 0) + (shares[1] ?? 0) ? 1 : 2;
    return Float64Array.from(real, (logit) => 3 * logit);
  });
  const found = calibrate({ logits, classes });
  assert.ok(Math.abs(found.temperature - 3) < 0.2, `${found.temperature}`);
  assert.ok(crossEntropy({ logits, classes }, found.temperature) < crossEntropy({ logits, classes }, 1));
  const sick = logits.filter((_, i) => (classes[i] as number) > 0);
  const sensitivity = (threshold: number) =>
    sick.filter((row) => 1 - (softmax(row, found.temperature)[0] as number) >= threshold).length /
    sick.length;
  assert.ok(sensitivity(found.present) >= 0.975);
  assert.ok(sensitivity(found.absent) >= 0.99);
  assert.ok(found.absent < found.present);
});
