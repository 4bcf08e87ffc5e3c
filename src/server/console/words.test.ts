import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reading } from '../../ai/reading.ts';
import { TEXTS } from '../../dicom/report/texts.ts';

/** A page's module, which has no types for us. */
const { findingWords }: { findingWords: (reading: Pick<Reading, 'label' | 'pneumonia'>) => string } =
  await import(new URL('./browser/words.js', import.meta.url).href);

test('the console calls no film normal, as the reports do', () => {
  assert.equal(findingWords({ label: 'normal', pneumonia: 'absent' }), TEXTS.en.noSign);
  assert.equal(findingWords({ label: 'viral-pneumonia', pneumonia: 'present' }), 'Viral pneumonia');
  assert.equal(findingWords({ label: null, pneumonia: 'present' }), 'Pneumonia, type open');
  assert.equal(findingWords({ label: null, pneumonia: 'undetermined' }), 'No answer');
});
