import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reading } from '../../ai/reading.ts';
import { TEXTS } from '../../dicom/report/texts.ts';

/** A page's module, which has no types for us. */
const {
  findingWords,
  filmNames,
}: {
  findingWords: (reading: Pick<Reading, 'label' | 'pneumonia'>) => string;
  filmNames: (films: readonly { selection: { kind: string } | null }[]) => string[];
} = await import(new URL('./browser/words.js', import.meta.url).href);

test('the console calls no film normal, as the reports do', () => {
  assert.equal(findingWords({ label: 'normal', pneumonia: 'absent' }), TEXTS.en.noSign);
  assert.equal(findingWords({ label: 'viral-pneumonia', pneumonia: 'present' }), 'Viral pneumonia');
  assert.equal(findingWords({ label: null, pneumonia: 'present' }), 'Pneumonia, type open');
  assert.equal(findingWords({ label: null, pneumonia: 'undetermined' }), 'No answer');
});

test('the console numbers the films that were read, as the reports do: a lateral before them does not count', () => {
  const named = (...kinds: (string | null)[]) =>
    filmNames(kinds.map((kind) => ({ selection: kind === null ? null : { kind } })));
  assert.deepEqual(named('left-out', 'read', 'read'), ['Not read', 'Film 1', 'Film 2']);
  assert.deepEqual(named('read', 'unreadable', 'read', 'left-out'), [
    'Film 1',
    'Not read 1',
    'Film 2',
    'Not read 2',
  ]);
  assert.deepEqual(named('read', null), ['Film 1', 'Film 2'], 'one that came late and is not read yet');
});
