import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { softmax } from '../head.ts';
import { seeded } from '../random.ts';
import { LABELS } from '../reading.ts';
import { bootstrap } from './bootstrap.ts';
import { compare } from './compare.ts';
import { rocCurve } from './curves.ts';
import { confusionOf, type Measures, measure } from './measures.ts';
import { layOutScores, type ScoredFilm } from './scores.ts';

const PYTHON = '/usr/bin/python3';
const SCRIPT = path.resolve(import.meta.dirname, '../../../test/peers/judge-scores.py');
const installed = spawnSync(PYTHON, ['-c', 'import sklearn']).status === 0;
const skip = installed ? false : 'python3-sklearn is not installed';

const THRESHOLDS = { present: 0.55, absent: 0.2 };
const DRAWS = 600;

/** Films of patients who have one to eight each, read with some mistakes; probabilities on a grid, so that there are ties. */
function someFilms(seed: number): ScoredFilm[] {
  const random = seeded(seed);
  return Array.from({ length: 110 }, (_, patient) => {
    const own = Math.floor(random() * 3);
    const hardness = random() * 2.2;
    return Array.from({ length: 1 + Math.floor(random() ** 3 * 8) }, (): ScoredFilm => {
      const logits = [0, 1, 2].map((c) => Math.round(4 * (random() - 0.5 + (c === own ? hardness : 0))) / 2);
      const [normal = 0, bacterial = 0, viral = 0] = softmax(logits);
      return {
        truth: LABELS[own] ?? 'normal',
        patient: `${patient}`,
        probabilities: { normal, 'bacterial-pneumonia': bacterial, 'viral-pneumonia': viral },
      };
    });
  }).flat();
}

test('scikit-learn counts the same figures, and a bootstrap of its own gives the same intervals', {
  skip,
}, () => {
  const films = someFilms(1);
  const random = seeded(2);
  const weights = films.map(() => Math.floor(random() * 4));
  const answer = execFileSync(PYTHON, [SCRIPT], {
    input: JSON.stringify({
      truth: films.map(({ truth }) => (LABELS as readonly string[]).indexOf(truth)),
      patient: films.map(({ patient }) => Number(patient)),
      probabilities: films.map(({ probabilities }) => LABELS.map((label) => probabilities[label])),
      present: THRESHOLDS.present,
      weights,
      bins: 15,
      draws: DRAWS,
    }),
    encoding: 'utf8',
  });
  const theirs = JSON.parse(answer) as {
    confusion: number[][];
    figures: Record<string, number>;
    weighted: Record<string, number>;
    roc: [number[], number[]];
    logLoss: number;
    intervals: Record<string, [number, number]>;
  };
  const scores = layOutScores(films);
  const ones = new Uint8Array(films.length).fill(1);
  assert.deepEqual(confusionOf(scores, ones), theirs.confusion);
  for (const [given, wanted] of [
    [measure(scores, THRESHOLDS), theirs.figures],
    [measure(scores, THRESHOLDS, weights), theirs.weighted],
  ] as const) {
    for (const [name, value] of Object.entries(wanted))
      near(given[name as keyof Measures], value, 1e-9, name);
  }
  const roc = rocCurve(scores, ones);
  assert.equal(roc.length, theirs.roc[0].length);
  roc.forEach(({ x, y }, i) => {
    near(x, theirs.roc[0][i], 1e-12, 'false positive rate');
    near(y, theirs.roc[1][i], 1e-12, 'true positive rate');
  });

  const { intervals } = bootstrap(scores, THRESHOLDS, { resamples: DRAWS, seed: 3 });
  for (const [name, [low, high]] of Object.entries(theirs.intervals)) {
    const own = intervals[name] ?? [Number.NaN, Number.NaN];
    // Two runs of so many draws differ by a few hundredths of the width, a bootstrap over films by far more.
    const room = 0.15 * (high - low) + 1e-3;
    near(own[0], low, room, `lower end of ${name}`);
    near(own[1], high, room, `upper end of ${name}`);
  }
  const same = compare({ films, thresholds: THRESHOLDS }, { films, thresholds: THRESHOLDS }, MODEL, {
    resamples: 20,
    seed: 1,
  });
  near(same.figures.find(({ name }) => name === 'logLoss')?.here, theirs.logLoss, 1e-9, 'log loss');
});

const MODEL = { name: 'base', version: '1.0.0', sha256: '0'.repeat(64) };

test('a model is not told better than itself, and better than one that knows less', () => {
  const films = someFilms(5);
  const flat = films.map((film) => ({
    ...film,
    probabilities: { normal: 0.4, 'bacterial-pneumonia': 0.3, 'viral-pneumonia': 0.3 },
  }));
  const options = { resamples: 200, seed: 1 };
  const judged = (list: ScoredFilm[]) => ({ films: list, thresholds: THRESHOLDS });
  const itself = compare(judged(films), judged(films), MODEL, options);
  assert.equal(itself.verdict, 'no-difference-shown');
  assert.ok(itself.figures.every(({ difference, interval }) => difference === 0 && interval?.[0] === 0));
  assert.equal(compare(judged(films), judged(flat), MODEL, options).verdict, 'better');
  assert.equal(compare(judged(flat), judged(films), MODEL, options).verdict, 'worse');
});

function near(given: unknown, wanted: number | undefined, room: number, what: string): void {
  assert.ok(Math.abs(Number(given) - Number(wanted)) <= room, `${what}: ${given} here, ${wanted} there`);
}
