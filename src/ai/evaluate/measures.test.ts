import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Truth } from '../films/truth.ts';
import { seeded } from '../random.ts';
import { bootstrap } from './bootstrap.ts';
import { GRID, onGrid, precisionRecallCurve, rocCurve } from './curves.ts';
import { confusionOf, measure } from './measures.ts';
import { layOutScores, type ScoredFilm } from './scores.ts';

const thresholds = { present: 0.6, absent: 0.4 };

function film(truth: Truth, bacterial: number, viral: number, patient = `${Math.random()}`): ScoredFilm {
  return {
    truth,
    patient,
    probabilities: {
      normal: 1 - bacterial - viral,
      'bacterial-pneumonia': bacterial,
      'viral-pneumonia': viral,
    },
  };
}

const one = (films: ScoredFilm[]) => new Uint8Array(films.length).fill(1);

test('a handful of films is counted as by hand', () => {
  const films = [
    film('normal', 0.1, 0.1),
    film('normal', 0.3, 0.2),
    film('normal', 0.5, 0.2),
    film('bacterial-pneumonia', 0.8, 0.1),
    film('bacterial-pneumonia', 0.2, 0.7),
    film('viral-pneumonia', 0.1, 0.8),
    film('viral-pneumonia', 0.1, 0.1),
    film('pneumonia', 0.45, 0.4),
  ];
  const scores = layOutScores(films);
  assert.deepEqual(confusionOf(scores, one(films)), [
    [2, 1, 0],
    [0, 1, 1],
    [1, 0, 1],
  ]);
  const measures = measure(scores, thresholds);
  assert.equal(measures.accuracy, 4 / 7, 'films of unknown type are left out of the three classes');
  assert.equal(measures.sensitivity, 4 / 5, 'and count where present is told from absent');
  assert.equal(measures.specificity, 2 / 3);
  assert.equal(measures.undetermined, 1 / 8);
  assert.equal(measures.classes.normal.sensitivity, 2 / 3);
  assert.equal(measures.classes.normal.specificity, 3 / 4);
  assert.equal(measures.classes['bacterial-pneumonia'].precision, 1 / 2);
});

test('the area under the curve is the share of pairs in the right order, ties half', () => {
  const random = seeded(3);
  const films = Array.from({ length: 200 }, (_, i) => {
    const truth = i % 3 === 0 ? 'normal' : 'viral-pneumonia';
    return film(truth, Math.round(random() * 20 + (i % 3 === 0 ? 0 : 6)) / 40, 0.1);
  });
  let [right, pairs] = [0, 0];
  for (const sick of films.filter((one) => one.truth !== 'normal')) {
    for (const well of films.filter((one) => one.truth === 'normal')) {
      const apart = well.probabilities.normal - sick.probabilities.normal;
      right += apart > 0 ? 1 : apart === 0 ? 0.5 : 0;
      pairs += 1;
    }
  }
  const measures = measure(layOutScores(films), thresholds);
  assert.ok(Math.abs((measures.aucPneumonia ?? 0) - right / pairs) < 1e-12);
  assert.equal(measures.aucType, null, 'there is nothing to tell apart');
});

test('probabilities that come true as often as they say have no calibration error', () => {
  const films = Array.from({ length: 1000 }, (_, i) =>
    film(i % 10 < 3 ? 'bacterial-pneumonia' : 'normal', 0.3, 0),
  );
  const measures = measure(layOutScores(films), thresholds);
  assert.ok((measures.ecePneumonia ?? 1) < 1e-9);
  assert.ok((measures.ece ?? 1) < 1e-9);
  const sure = films.map((one) => ({
    ...one,
    probabilities: { normal: 1, 'bacterial-pneumonia': 0, 'viral-pneumonia': 0 },
  }));
  assert.ok(Math.abs((measure(layOutScores(sure), thresholds).ecePneumonia ?? 0) - 0.3) < 1e-9);
});

test('curves begin and end where they must, and the ROC curve holds its operating point', () => {
  const films = Array.from({ length: 60 }, (_, i) =>
    film(i % 2 ? 'normal' : 'viral-pneumonia', 0.1, (i % 7) / 10),
  );
  const scores = layOutScores(films);
  const roc = rocCurve(scores, one(films));
  assert.deepEqual(roc[0], { x: 0, y: 0 });
  assert.deepEqual(roc.at(-1), { x: 1, y: 1 });
  const { sensitivity, specificity } = measure(scores, thresholds);
  assert.ok(roc.some(({ x, y }) => Math.abs(x - (1 - (specificity ?? 0))) < 1e-9 && y === sensitivity));
  assert.equal(precisionRecallCurve(scores, one(films)).at(-1)?.x, 1);
  const heights = onGrid(roc, 'up-to');
  assert.equal(heights.length, GRID.length);
  assert.equal(heights.at(-1), 1);
});

test('films of one patient widen the interval, since they are drawn together', () => {
  const random = seeded(5);
  const hits = Array.from({ length: 60 }, () => random() < 0.8);
  const films = (copies: number, together: boolean) =>
    hits.flatMap((hit, i) =>
      Array.from({ length: copies }, (_, k) =>
        film('viral-pneumonia', 0.05, hit ? 0.9 : 0.1, together ? `${i}` : `${i}-${k}`),
      ),
    );
  const width = (list: ScoredFilm[]) => {
    const [low, high] = bootstrap(layOutScores(list), thresholds, { resamples: 400 }).intervals
      .sensitivity ?? [0, 0];
    return high - low;
  };
  const apart = width(films(6, false));
  const together = width(films(6, true));
  assert.ok(together > 1.6 * apart, `${together} and ${apart}`);
});

test('the same seed gives the same intervals', () => {
  const random = seeded(9);
  const films = Array.from({ length: 80 }, (_, i) =>
    film(i % 2 ? 'normal' : 'bacterial-pneumonia', random(), 0),
  );
  const scores = layOutScores(films);
  assert.deepEqual(
    bootstrap(scores, thresholds, { resamples: 50 }),
    bootstrap(scores, thresholds, { resamples: 50 }),
  );
});
