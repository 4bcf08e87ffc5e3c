import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Head, logitsOf, softmax } from '../head.ts';
import { seeded } from '../random.ts';
import { LABELS } from '../reading.ts';
import { calibrate, crossEntropy, rescaled, rescalingOf, withBias } from './calibrate.ts';
import { trainHeads } from './train-head.ts';

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

function subset(set: ReturnType<typeof films>, chosen: Int32Array): ReturnType<typeof films> {
  const features = new Float32Array(chosen.length * FEATURES);
  chosen.forEach((row, i) => {
    features.set(set.features.subarray(row * FEATURES, (row + 1) * FEATURES), i * FEATURES);
  });
  return { features, classes: Uint8Array.from(chosen, (row) => set.classes[row] as number) };
}

/** Cross-entropy with every class of the same weight, counted the plain way. */
function lossOf(head: Head, set: ReturnType<typeof films>, chosen: Int32Array): number {
  const losses: number[][] = [[], [], []];
  for (const row of chosen) {
    const own = set.classes[row] as number;
    const shares = softmax(logitsOf(head, set.features.subarray(row * FEATURES, (row + 1) * FEATURES)));
    losses[own]?.push(-Math.log(shares[own] as number));
  }
  const means = losses.map((list) => list.reduce((sum, loss) => sum + loss, 0) / list.length);
  return means.reduce((sum, mean) => sum + mean, 0) / means.length;
}

function accuracy(head: Head, set: ReturnType<typeof films>, chosen: Int32Array): number {
  const right = chosen.filter((row) => {
    const logits = logitsOf(head, set.features.subarray(row * FEATURES, (row + 1) * FEATURES));
    return logits.indexOf(Math.max(...logits)) === set.classes[row];
  });
  return right.length / chosen.length;
}

const whole = (to: number) => ({ train: rows(0, to), validation: new Int32Array() });

test('a head learns classes that can be told apart, and does so on films it has not seen', async () => {
  const set = films(700, 1);
  const splits = [{ train: rows(0, 400), validation: rows(400, 550) }];
  const { heads, epochs, chosenEpoch } = await trainHeads(set, { splits, base: blank, epochs: 200 });
  const found = accuracy(heads[0] as Head, set, rows(550, 700));
  assert.ok(found > 0.65, `${found}`);
  const first = epochs[0]?.[0];
  const best = epochs[0]?.[chosenEpoch];
  assert.ok(first && best && (best.validationLoss ?? 9) < (first.validationLoss ?? 0) * 0.8);
});

test('the heads are those of the epoch with the least mean validation loss, not those of the last', async () => {
  const set = films(60, 2);
  const splits = [
    { train: rows(0, 30), validation: rows(30, 60) },
    { train: rows(30, 60), validation: rows(0, 30) },
  ];
  const { heads, epochs, chosenEpoch } = await trainHeads(set, { splits, base: blank, epochs: 250 });
  const mean = (epoch: number) =>
    epochs.reduce((sum, own) => sum + (own[epoch]?.validationLoss ?? 9), 0) / epochs.length;
  const ran = epochs[0]?.length ?? 0;
  assert.ok(chosenEpoch < ran - 1, 'it stopped after the best');
  for (let epoch = 0; epoch < ran; epoch += 1) assert.ok(mean(epoch) >= mean(chosenEpoch) - 1e-4);
  splits.forEach(({ validation }, s) => {
    const loss = lossOf(heads[s] as Head, set, validation);
    const told = epochs[s]?.[chosenEpoch]?.validationLoss ?? 0;
    assert.ok(
      Math.abs(loss - told) < 1e-4,
      `the head that is given has the loss that is told: ${loss}, ${told}`,
    );
  });
});

test('heads trained side by side are the heads trained alone', async () => {
  const set = films(120, 8);
  const splits = [whole(80), { train: rows(40, 120), validation: new Int32Array() }];
  const base = (await trainHeads(films(300, 9), { splits: [whole(300)], base: blank, epochs: 40 })).heads[0];
  const options = { base: base as Head, epochs: 60 };
  const together = await trainHeads(set, { splits, ...options });
  for (const [s, split] of splits.entries()) {
    // Alone, and with nothing else in the set: what is not trained on has no part in it.
    const own = subset(set, split.train);
    const alone = await trainHeads(own, { splits: [whole(split.train.length)], ...options });
    const [one, other] = [together.heads[s] as Head, alone.heads[0] as Head];
    const apart = one.weights.map((weight, i) => Math.abs(weight - (other.weights[i] as number)));
    assert.ok(Math.max(...apart) < 2e-3, `${Math.max(...apart)}`);
  }
});

test('a base that already knows is not made worse by a few films', async () => {
  const set = films(900, 3);
  const known = [{ train: rows(0, 800), validation: rows(800, 900) }];
  const taught = await trainHeads(set, { splits: known, base: blank, epochs: 200 });
  const base = taught.heads[0] as Head;
  const small = films(230, 4);
  const splits = [
    { train: rows(0, 15), validation: rows(15, 30) },
    { train: rows(15, 30), validation: rows(0, 15) },
    whole(30),
  ];
  const { heads } = await trainHeads(small, { splits, base, epochs: 200 });
  const unseen = rows(30, 230);
  const before = accuracy(base, small, unseen);
  for (const head of heads) {
    const after = accuracy(head, small, unseen);
    assert.ok(after >= before - 0.04, `${before} before, ${after} after`);
  }
});

test('a base that cannot be bettered is kept as it is', async () => {
  // Labels without any meaning: whatever is learned from some films is wrong of the others.
  const random = seeded(11);
  const set = films(60, 10);
  const noise = { ...set, classes: set.classes.map(() => Math.floor(random() * 3)) };
  const splits = [
    { train: rows(0, 30), validation: rows(30, 60) },
    { train: rows(30, 60), validation: rows(0, 30) },
    whole(60),
  ];
  const { heads, chosenEpoch } = await trainHeads(noise, { splits, base: blank, epochs: 200 });
  assert.equal(chosenEpoch, 0);
  assert.ok(heads.every((head) => head.weights.every((weight) => weight === 0)));
});

test('training twice gives the same heads', async () => {
  const set = films(100, 5);
  const splits = [{ train: rows(0, 80), validation: rows(80, 100) }];
  const once = () => trainHeads(set, { splits, base: blank, epochs: 30 });
  assert.deepEqual(await once(), await once());
});

test('training stops when it is told to, also in the middle', async () => {
  const set = films(100, 6);
  const stop = new AbortController();
  let last = -1;
  const training = trainHeads(set, {
    splits: [whole(80)],
    base: blank,
    epochs: 100_000,
    signal: stop.signal,
    onEpoch: (epoch) => {
      last = epoch;
    },
  });
  // From the event loop, as Ctrl-C comes.
  setTimeout(() => stop.abort(), 20);
  await assert.rejects(training, { name: 'AbortError' });
  assert.ok(last < 99_999);
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
  const found = calibrate(
    { logits, classes },
    Int8Array.from(classes, (_, i) => i % 5),
  );
  assert.ok(Math.abs(found.temperature - 3) < 0.2, `${found.temperature}`);
  assert.ok(crossEntropy({ logits, classes }, found.temperature) < crossEntropy({ logits, classes }, 1));
  const sick = found.probabilities.filter((_, i) => (classes[i] as number) > 0);
  const sensitivity = (threshold: number) =>
    sick.filter(({ normal }) => 1 - normal >= threshold).length / sick.length;
  assert.ok(sensitivity(found.present) >= 0.975);
  assert.ok(sensitivity(found.absent) >= 0.99);
  assert.ok(found.absent < found.present);
});

test('probabilities hold at the shares that the classes have, though the head weighs all classes the same', () => {
  const random = seeded(12);
  const classes = new Uint8Array(4000);
  // Logits of a head that was taught 1 : 1 : 1, of films that are 2 : 5 : 1.
  const logits = Array.from(classes, (_, i) => {
    const drawn = random();
    const own = drawn < 0.25 ? 0 : drawn < 0.875 ? 1 : 2;
    classes[i] = own;
    return Float64Array.from([0, 1, 2], (c) => 4 * (random() - 0.5) + (c === own ? 1.5 : 0));
  });
  const found = calibrate(
    { logits, classes },
    Int8Array.from(classes, (_, i) => i % 5),
  );
  for (const [c, label] of LABELS.entries()) {
    const said = found.probabilities.reduce((sum, own) => sum + own[label], 0) / classes.length;
    const is = classes.filter((own) => own === c).length / classes.length;
    assert.ok(Math.abs(said - is) < 0.005, `${label}: ${said} said, ${is} are`);
  }
  const head = { ...blank, bias: Float32Array.of(0.1, 0.2, 0.3) };
  const made = withBias(head, found);
  for (const row of logits.slice(0, 20)) {
    const shipped = softmax(
      Array.from(row, (logit, c) => logit - (head.bias[c] as number) + (made.bias[c] as number)),
      found.temperature,
    );
    LABELS.forEach((label, c) => {
      assert.ok(
        Math.abs((shipped[c] as number) - rescaled(row, found)[label]) < 1e-6,
        'the head carries the biases',
      );
    });
  }
});

test('a handful of films moves the calibration a little, and labels without meaning do not break it', () => {
  const random = seeded(13);
  const classes = Uint8Array.from({ length: 9 }, (_, i) => i % 3);
  const clear = Array.from(classes, (own) => Float64Array.from([0, 1, 2], (c) => (c === own ? 5 : 0)));
  const few = rescalingOf({ logits: clear, classes });
  assert.ok(
    few.temperature > 0.5 && few.temperature <= 1,
    `nine films that are read rightly: ${few.temperature}`,
  );
  const noise = Array.from({ length: 300 }, () => Float64Array.from([0, 1, 2], () => 8 * random()));
  const none = rescalingOf({
    logits: noise,
    classes: Uint8Array.from(noise, () => Math.floor(random() * 3)),
  });
  assert.ok(none.temperature > 3 && none.temperature <= 20, `${none.temperature}`);
});
