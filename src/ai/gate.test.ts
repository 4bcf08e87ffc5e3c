import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FEATURES } from './folder.ts';
import {
  type GateNumbers,
  type GateRule,
  gateBytes,
  gateLength,
  gateScores,
  readGateNumbers,
} from './gate.ts';
import { seeded } from './random.ts';
import { fitGate } from './retrain/fit-gate.ts';

const rule: GateRule = {
  thumb: 4,
  kinds: ['chest', 'orientation', 'not-chest'],
  components: 6,
  minChest: 0.5,
  maxDistance: 4,
};
const length = gateLength(rule);

/** Vectors that vary along a few directions, in units that differ from value to value. */
function films(count: number, seed: number): Float32Array[] {
  const random = seeded(seed);
  const noise = () => random() + random() + random() + random() - 2;
  const directions = seeded(99);
  const axes = Array.from({ length: 4 }, () => Float32Array.from({ length }, () => directions() - 0.5));
  return Array.from({ length: count }, () => {
    const along = [8 * noise(), 5 * noise(), 3 * noise(), 2 * noise()];
    return Float32Array.from({ length }, (_, k) => {
      const value = axes.reduce(
        (sum, axis, a) => sum + (axis[k] as number) * (along[a] as number),
        0.3 * noise(),
      );
      return (1 + (k % 5)) * (value + 0.2 * k ** 0.3);
    });
  });
}

function gate(): GateNumbers {
  const random = seeded(4);
  const list = (size: number, of: () => number) => Float32Array.from({ length: size }, of);
  return {
    mean: list(length, random),
    scale: list(length, () => 0.2 + random()),
    weights: list(length * 3, () => (random() - 0.5) * 0.002),
    bias: Float32Array.of(1, -0.5, -0.5),
    components: list(length * 6, () => (random() - 0.5) * 0.04),
    variance: Float32Array.of(9, 7, 5, 3, 2, 1),
    residual: Float32Array.of(length),
  };
}

test('the numbers of a gate come back from its bytes, and bytes of another length are refused', () => {
  const numbers = gate();
  const bytes = gateBytes(numbers);
  assert.deepEqual(readGateNumbers(bytes, rule), numbers);
  assert.throws(() => readGateNumbers(bytes.subarray(4), rule), { code: 'model.shape' });
  assert.equal(length, FEATURES + 16);
});

test('a gate fitted to a site lets its films pass, refuses what is far from them, and tells kinds as before', async () => {
  const base = gate();
  const vectors = films(240, 1);
  const folds = Int8Array.from(vectors, (_, i) => i % 4);
  const fitted = await fitGate(base, rule, { vectors, shown: vectors.map(() => 1), folds });
  const refused = (list: readonly Float32Array[]) =>
    list.filter((vector) => {
      const { distance } = gateScores(fitted.numbers, fitted.rule, vector, 1);
      return distance > fitted.rule.maxDistance;
    }).length / list.length;
  assert.ok(refused(films(100, 2)) <= 0.05, `${refused(films(100, 2))} of new films of the site`);
  const odd = films(50, 3).map((vector) => vector.map((value, k) => value + (k % 2 ? 9 : -9)));
  assert.equal(refused(odd), 1);
  for (const vector of films(5, 6)) {
    const before = gateScores(base, rule, vector, 1).kinds;
    const after = gateScores(fitted.numbers, fitted.rule, vector, 1).kinds;
    before.forEach((share, kind) => {
      assert.ok(Math.abs(share - (after[kind] as number)) < 1e-3, `${before} and ${after}`);
    });
  }
  assert.ok(fitted.rule.minChest <= rule.minChest);
});

test('the directions found are those along which the films vary most', async () => {
  const vectors = films(240, 8);
  const { numbers } = await fitGate(gate(), rule, {
    vectors,
    shown: vectors.map(() => 1),
    folds: Int8Array.from(vectors, (_, i) => i % 4),
  });
  const z = vectors.map((vector) =>
    vector.map((value, k) => (value - (numbers.mean[k] as number)) * (numbers.scale[k] as number)),
  );
  const row = (c: number) => numbers.components.subarray(c * length, (c + 1) * length);
  const dot = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, k) => sum + value * (b[k] as number), 0);
  for (let c = 0; c < rule.components; c += 1) {
    for (let d = 0; d <= c; d += 1) assert.ok(Math.abs(dot(row(c), row(d)) - (c === d ? 1 : 0)) < 1e-3);
  }
  const energy = z.reduce((sum, vector) => sum + dot(vector, vector), 0) / z.length;
  const inside =
    z.reduce((sum, vector) => sum + [0, 1, 2, 3].reduce((part, c) => part + dot(row(c), vector) ** 2, 0), 0) /
    z.length;
  assert.ok(inside / energy > 0.9, `four directions hold ${inside / energy} of what varies`);
  assert.ok((numbers.variance[0] as number) >= (numbers.variance[1] as number));
});

test('with too few films only the thresholds are relaxed', async () => {
  const base = gate();
  const vectors = films(20, 5);
  const shown = vectors.map(() => 1);
  const folds = Int8Array.from(vectors, (_, i) => i % 4);
  const fitted = await fitGate(base, rule, { vectors, shown, folds });
  assert.equal(fitted.numbers, base);
  assert.ok(fitted.rule.maxDistance >= rule.maxDistance);
});

test('plates that show a part of the thorax may differ more, in the verdict and in what a site teaches the gate', async () => {
  const vectors = films(240, 1);
  const folds = Int8Array.from(vectors, (_, i) => i % 4);
  const whole = await fitGate(gate(), rule, { vectors, shown: vectors.map(() => 1), folds });
  // The same films, but some that are twice as far (in squares) from the rest, of which half is film.
  const { mean } = whole.numbers;
  const apart = vectors.map((vector, i) =>
    i % 20 === 0
      ? vector.map((value, k) => (mean[k] as number) + Math.SQRT2 * (value - (mean[k] as number)))
      : vector,
  );
  const half = (i: number) => (i % 20 === 0 ? 0.5 : 1);
  const told = await fitGate(gate(), rule, { vectors: apart, shown: apart.map((_, i) => half(i)), folds });
  const untold = await fitGate(gate(), rule, { vectors: apart, shown: apart.map(() => 1), folds });
  assert.ok(told.rule.maxDistance < untold.rule.maxDistance);
  const distances = [1, 0.5].map(
    (shown) => gateScores(told.numbers, told.rule, apart[0] as Float32Array, shown).distance,
  );
  assert.ok(Math.abs((distances[0] as number) - 2 * (distances[1] as number)) < 1e-9);
});
