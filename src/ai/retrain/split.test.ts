import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '../random.ts';
import { LABELS, type Label } from '../reading.ts';
import { type Grouped, patientFolds } from './split.ts';

test('no patient is in two folds, and every fold has its share of every class', () => {
  const random = seeded(2);
  const films: Grouped[] = Array.from({ length: 900 }, (_, i) => ({
    truth: LABELS[i % 10 < 5 ? 1 : i % 10 < 8 ? 0 : 2] as Label,
    patient: `p${Math.floor(random() * 400)}`,
  }));
  const { folds, of } = patientFolds(films, 1);
  assert.equal(folds, 5);
  const seen = new Map<string, number>();
  films.forEach(({ patient }, i) => {
    assert.equal(seen.get(patient) ?? of[i], of[i]);
    seen.set(patient, of[i] as number);
  });
  for (const label of LABELS) {
    const total = films.filter((film) => film.truth === label).length;
    for (let fold = 0; fold < folds; fold += 1) {
      const own = films.filter((film, i) => film.truth === label && of[i] === fold).length;
      assert.ok(Math.abs(own - total / folds) < 0.12 * total, `${label} in fold ${fold}: ${own} of ${total}`);
    }
  }
  assert.deepEqual(patientFolds(films, 1).of, of, 'the same seed, the same folds');
});

test('with few patients there are fewer folds, and every class is in each', () => {
  const films = LABELS.flatMap((truth) =>
    ['a', 'b', 'c'].map((name) => ({ truth, patient: `${truth} ${name}` })),
  );
  const { folds, of } = patientFolds(films, 1);
  assert.equal(folds, 3);
  for (const truth of LABELS) {
    assert.equal(new Set(films.flatMap((film, i) => (film.truth === truth ? [of[i]] : []))).size, 3);
  }
});

test('a class without films and a class of one patient are errors that name the class', () => {
  const many = (truth: Label) => ['a', 'b', 'c'].map((name) => ({ truth, patient: `${truth} ${name}` }));
  assert.throws(() => patientFolds([...many('normal'), ...many('viral-pneumonia')], 1), {
    code: 'retrain.class-without-films',
    message: /bacterial-pneumonia/,
  });
  const one = Array.from({ length: 9 }, () => ({
    truth: 'viral-pneumonia' as const,
    patient: 'the only one',
  }));
  assert.throws(() => patientFolds([...many('normal'), ...many('bacterial-pneumonia'), ...one], 1), {
    code: 'retrain.too-few-patients',
    message: /viral-pneumonia/,
  });
});
