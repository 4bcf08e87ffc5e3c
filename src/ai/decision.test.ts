import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, triageOf } from './decision.ts';
import type { Probabilities } from './reading.ts';

const thresholds = { present: 0.6, absent: 0.3, typeMargin: 0.2 };

function probabilities(bacterial: number, viral: number): Probabilities {
  return { normal: 1 - bacterial - viral, 'bacterial-pneumonia': bacterial, 'viral-pneumonia': viral };
}

test('pneumonia is absent up to the lower threshold and the label is normal', () => {
  assert.deepEqual(decide(probabilities(0.2, 0.05), thresholds), {
    label: 'normal',
    pneumonia: 'absent',
    abstained: null,
  });
});

test('between the thresholds the model abstains, even where normal is the strongest class', () => {
  const decision = decide(probabilities(0.2, 0.2), thresholds);
  assert.equal(decision.label, null);
  assert.equal(decision.pneumonia, 'undetermined');
  assert.equal(decision.abstained?.code, 'uncertain');
});

test('pneumonia that is present gets the type that is clearly stronger', () => {
  assert.equal(decide(probabilities(0.7, 0.2), thresholds).label, 'bacterial-pneumonia');
  assert.equal(decide(probabilities(0.2, 0.7), thresholds).label, 'viral-pneumonia');
});

test('pneumonia of a type that stays open is present without a label', () => {
  const decision = decide(probabilities(0.46, 0.44), thresholds);
  assert.equal(decision.label, null);
  assert.equal(decision.pneumonia, 'present');
  assert.equal(decision.abstained?.code, 'type-undetermined');
});

test('triage is off unless switched on, and never category 1', () => {
  const options = { enabled: true, category2From: 0.9 };
  const sure = probabilities(0.8, 0.15);
  const weak = probabilities(0.6, 0.1);
  assert.equal(triageOf(decide(sure, thresholds), sure, undefined), 'off');
  assert.equal(triageOf(decide(sure, thresholds), sure, { ...options, enabled: false }), 'off');
  assert.equal(triageOf(decide(sure, thresholds), sure, options), 'category-2');
  assert.equal(triageOf(decide(weak, thresholds), weak, options), 'category-3');
  const normal = probabilities(0.1, 0.1);
  assert.equal(triageOf(decide(normal, thresholds), normal, options), 'none');
  const open = probabilities(0.25, 0.25);
  assert.equal(triageOf(decide(open, thresholds), open, options), 'abstained');
});
