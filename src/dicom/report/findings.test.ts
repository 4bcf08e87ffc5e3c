import assert from 'node:assert/strict';
import { test } from 'node:test';
import { READINGS, reading } from '../../../test/fixtures/readings.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { conclusionOf } from './conclusion.ts';
import { findingsOf, summaryOf } from './findings.ts';
import { TEXTS } from './texts.ts';

function percentsOf(normal: number, bacterial: number, viral: number) {
  const probabilities = { normal, 'bacterial-pneumonia': bacterial, 'viral-pneumonia': viral };
  return Object.values(findingsOf(reading({ probabilities })).percents);
}

test('percents are rounded so that they add up to 100.0', () => {
  assert.deepEqual(percentsOf(1 / 3, 1 / 3, 1 / 3), ['33.4', '33.3', '33.3']);
  assert.deepEqual(percentsOf(0.0214, 0.9357, 0.0429), ['2.1', '93.6', '4.3']);
  assert.deepEqual(percentsOf(0.00051, 0.99899, 0.0005), ['0.1', '99.9', '0.0']);
  assert.deepEqual(percentsOf(0, 1, 0), ['0.0', '100.0', '0.0']);
  for (let step = 0; step <= 97; step += 1) {
    const rest = 1 - step / 97;
    const sum = percentsOf(step / 97, rest * 0.618, rest * 0.382).reduce(
      (total, value) => total + Number(value) * 10,
      0,
    );
    assert.equal(Math.round(sum), 1000);
  }
});

test('probabilities that are none are refused instead of being written', () => {
  for (const bad of [Number.NaN, -0.1, 1.2, Number.POSITIVE_INFINITY]) {
    assert.throws(
      () => percentsOf(bad, 0.5, 0.5),
      (error) => error instanceof DeepHealthError && error.code === 'report.reading-invalid',
    );
  }
  assert.throws(() => percentsOf(0.2, 0.2, 0.2), DeepHealthError);
});

test('a label that contradicts the answer to pneumonia is refused', () => {
  assert.throws(() => findingsOf(reading({ label: 'normal' })), DeepHealthError);
  assert.throws(() => findingsOf(reading({ label: null })), DeepHealthError);
  assert.throws(() => findingsOf(reading({ pneumonia: 'undetermined' })), DeepHealthError);
});

test('without a class there is no certainty; with an open type it is that of pneumonia', () => {
  assert.equal(findingsOf(READINGS.abstained).certainty, null);
  assert.equal(findingsOf(READINGS.abstained).finding, null);
  const open = findingsOf(READINGS.typeUndetermined);
  assert.equal(open.finding?.value, '233604007');
  assert.equal(open.certainty, '90.0');
});

test('of several films the study takes the answer that must not be missed', () => {
  const all = [READINGS.normal, READINGS.abstained, READINGS.outOfPopulation, READINGS.viral].map(findingsOf);
  assert.deepEqual(summaryOf(all), {
    pneumonia: 'present',
    quality: 'limited',
    applicability: 'out',
    triage: 'category-2',
  });
  assert.equal(summaryOf([READINGS.normal, READINGS.abstained].map(findingsOf)).pneumonia, 'undetermined');
});

test('the conclusion is one sentence from the codes and never calls a film normal', () => {
  const say = (...films: Parameters<typeof findingsOf>[0][]) => conclusionOf(films.map(findingsOf), TEXTS.en);
  assert.equal(say(READINGS.bacterial), 'Model output suggests bacterial pneumonia (93.6 %).');
  assert.equal(
    say(READINGS.normal),
    'No sign of pneumonia found by the model (probability of normal 97.0 %).',
  );
  assert.equal(say(READINGS.abstained), 'No result from the model, pneumonia stays undetermined.');
  assert.equal(
    say(READINGS.outOfPopulation),
    'Model output suggests bacterial pneumonia (93.6 %); the film is outside of the population that the model was made for.',
  );
  assert.equal(
    say(READINGS.normal, READINGS.viral),
    'Film 1: No sign of pneumonia found by the model (probability of normal 97.0 %) / Film 2: Model output suggests viral pneumonia (70.0 %).',
  );
  const sure = { normal: 0.0001, 'bacterial-pneumonia': 0.9998, 'viral-pneumonia': 0.0001 };
  assert.equal(
    say(reading({ probabilities: sure })),
    'Model output suggests bacterial pneumonia (> 99.9 %).',
    'a share that is rounded to all of it is no certainty',
  );
  assert.equal(
    conclusionOf([findingsOf(READINGS.bacterial)], TEXTS.de),
    'Das Modell spricht für eine bakterielle Pneumonie (93,6 %).',
  );
});
