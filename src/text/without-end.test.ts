import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withoutEnd } from './without-end.ts';

test('what stands at the end is left out, what stands before it is not', () => {
  assert.equal(withoutEnd('^a^ b^ ^ ', '^ '), '^a^ b');
  assert.equal(withoutEnd('====', '='), '');
  assert.equal(withoutEnd('', '='), '');
  assert.equal(withoutEnd('a\0\0', '\0'), 'a');
  const long = `x${'^'.repeat(5_000_000)}x`;
  assert.equal(withoutEnd(long, '^'), long);
});

const SOURCES = fileURLToPath(new URL('../', import.meta.url));

/** Unanchored, and a repetition up to the end: every character of a run is a new beginning (V8 looks no further). */
function triesEveryBeginning(literal: string): boolean {
  const [, source = ''] = /^\/(.*)\/[a-z]*$/s.exec(literal) ?? [];
  return !source.startsWith('^') && /(?:[+*]|\{\d+,\})\)?\$$/.test(source);
}

/** What may be a regular expression in a line of code: a little more than there are does no harm. */
const LITERAL = /\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\/[a-z]*/g;

test('no expression in the code takes quadratic time to find out what stands at an end', () => {
  assert.ok(triesEveryBeginning('/[\\^ ]+$/') && triesEveryBeginning('/(?:ab)*$/u'));
  assert.ok(!triesEveryBeginning('/^a+$/') && !triesEveryBeginning('/\\d{1,4}$/'));
  let looked = 0;
  for (const name of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!/\.[jt]s$/.test(name) || name.endsWith('.test.ts')) continue;
    const code = readFileSync(join(SOURCES, name), 'utf8')
      .split('\n')
      .filter((line) => !/^ *(?:\*|\/[/*])/.test(line));
    const expressions = code.flatMap((line) => line.match(LITERAL) ?? []);
    looked += expressions.length;
    assert.deepEqual(expressions.filter(triesEveryBeginning), [], name);
  }
  assert.ok(looked > 50, `${looked} expressions`);
});
