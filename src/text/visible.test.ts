import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from '../cli/summary.ts';
import { visible } from './visible.ts';

test('a name shows every letter as it is, and what a terminal would obey as an escape', () => {
  assert.equal(visible('Müller 胸部 (1).dcm'), 'Müller 胸部 (1).dcm');
  assert.equal(
    visible('a\x1b[2K\n\x9b1A\u202emcd.\u2028'),
    'a\\u{1b}[2K\\u{a}\\u{9b}1A\\u{202e}mcd.\\u{2028}',
  );
});

test('a file cannot be named so that its line reads like the result of another', () => {
  const error = {
    code: 'file.unknown-format',
    message: 'The file is neither DICOM nor JPEG nor PNG.',
  } as const;
  const told = failureOf({ file: '/cd/a\x1b[2K\x1b[1A\n  No pneumonia seen.dcm', error });
  assert.equal(told.split('\n').length, 3, 'one line for the file, one for the reason');
  assert.ok(!told.includes('\x1b'));
});
