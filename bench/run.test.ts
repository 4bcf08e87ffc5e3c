import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runChild } from './child.ts';
import { holds, type Row, targetText } from './row.ts';
import { markdown, withFigures } from './table.ts';

const script = fileURLToPath(new URL('run.ts', import.meta.url));
const row = (value: number | null, target: Row['target']): Row => ({
  what: 'a',
  measured: 'b | c',
  baseline: '',
  value,
  ...(target === undefined ? {} : { target }),
});

test('one figure can be taken quickly, is told with its target, and leaves the kept results alone', async () => {
  const { code, stdout, stderr } = await runChild(process.execPath, [script, '--quick', '--only', 'start']);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /--help over a Node\.js that does nothing .* ≤ 150 ms/);
  assert.match(stdout, /[012] of 2 targets hold \(quick: not to be believed\)/);
});

test('a figure that there is not is wrong usage, and names those that there are', async () => {
  const { code, stderr } = await runChild(process.execPath, [script, '--only', 'luck']);
  assert.equal(code, 2);
  assert.match(stderr, /no figure luck: choose from inference/);
});

test('a target holds within its bounds, a figure that is no number never does', () => {
  assert.equal(holds(row(2.3, { least: 2.3 })), true);
  assert.equal(holds(row(2.2, { least: 2.3 })), false);
  assert.equal(holds(row(451, { most: 450, unit: 'MB' })), false);
  assert.equal(holds(row(null, { most: 450 })), false);
  assert.equal(holds(row(Number.NaN, { most: 450 })), false);
  assert.equal(holds(row(1, undefined)), undefined);
  assert.equal(targetText(row(1, { most: 450, unit: 'MB' })), '≤ 450 MB');
});

test('the table replaces what stood between the markers of the document, and nothing else', () => {
  const [start, end] = ['<!-- figures: written by npm run bench, do not edit -->', '<!-- end of figures -->'];
  const table = markdown([
    { name: 'x', title: 'X', seconds: 1, rows: [row(1, undefined)], failure: 'it | broke\nat line 1' },
  ]);
  const made = withFigures(`before\n${start}\nold\n${end}\nafter`, table);
  assert.match(made, /^before\n<!-- figures.*-->\n\n### X\n\nNot taken: it \\\| broke\n/);
  assert.match(made, /\| a \| b \\\| c \| /);
  assert.match(made, /<!-- end of figures -->\nafter$/);
  assert.doesNotMatch(made, /old|line 1/);
});
