import assert from 'node:assert/strict';
import { test } from 'node:test';
import { READINGS } from '../../test/fixtures/readings.ts';
import { summaryOf } from './summary.ts';

test('the list shows the class of the most urgent film beside the worst quality and population of any', () => {
  const { normal, viral, outOfPopulation, abstained } = READINGS;
  const shown = summaryOf([normal, abstained, outOfPopulation, viral], 'a sentence');
  assert.equal(shown.films, 4);
  assert.equal(
    shown.label,
    [viral, outOfPopulation].toSorted((a, b) => a.probabilities.normal - b.probabilities.normal)[0]?.label,
  );
  assert.equal(shown.pneumonia, 'present');
  // The most urgent film is sound and of the population; others are not, and the report says so.
  assert.equal(
    summaryOf([viral, { ...normal, quality: abstained.quality }], '').quality,
    abstained.quality.status,
  );
  assert.equal(summaryOf([viral, outOfPopulation], '').applicability, 'out');
  assert.notEqual(viral.applicability.status, 'out');
  assert.notEqual(viral.quality.status, abstained.quality.status);
});
