import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from './make-folder.ts';

test('a folder is made with those above it, and again without harm', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'dh-folder-'));
  t.after(() => rm(root, { recursive: true }));
  const deep = join(root, 'a', 'b', 'c');
  await Promise.all([makeFolder(deep, 0o750), makeFolder(deep, 0o750)]);
  await makeFolder(deep);
  assert.equal((await stat(deep)).mode & 0o777, 0o750);
});

test('a file in the way is an error', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'dh-folder-'));
  t.after(() => rm(root, { recursive: true }));
  await writeFile(join(root, 'file'), '');
  await assert.rejects(makeFolder(join(root, 'file', 'below')), { code: 'ENOTDIR' });
});

test('where no folder can be made it says so and does not hang', async (t) => {
  if (!existsSync('/proc/self')) return t.skip('there is no /proc');
  await assert.rejects(makeFolder('/proc/deep-health/data'), { code: 'ENOENT' });
});
