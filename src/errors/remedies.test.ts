import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configKeys } from '../config/schema-tree.ts';
import { ERROR_KINDS } from './error.ts';

const KEYS = new Set(configKeys().map(({ path }) => path.replaceAll('.*', '[]')));
const GROUPS = [...KEYS].filter((path) => !path.includes('.'));

test('a remedy that tells to change a limit of ours names the key of the config that does it', () => {
  for (const [code, { remedy }] of Object.entries(ERROR_KINDS)) {
    if (!/\b(raise|lower)\b/i.test(remedy) || /\b(server|proxy|PACS)'s\b/.test(remedy)) continue;
    const named = [...remedy.matchAll(/[a-z]+(?:\[\])?(?:\.[a-zA-Z[\]]+)+/g)].map(([path]) => path);
    assert.ok(
      named.some((path) => KEYS.has(path)),
      `${code}: ${remedy}`,
    );
  }
});

test('a key that a remedy names is one of the config', () => {
  const pattern = new RegExp(
    `(?<![\\w./])(?:${GROUPS.join('|')})(?:\\[\\])?\\.[a-zA-Z][a-zA-Z[\\].]*[a-zA-Z]`,
    'g',
  );
  for (const [code, { remedy }] of Object.entries(ERROR_KINDS)) {
    for (const [path] of remedy.matchAll(pattern)) assert.ok(KEYS.has(path), `${code}: ${path}`);
  }
});
