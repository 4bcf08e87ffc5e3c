import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DeepHealthError } from '../errors/error.ts';
import { findInputs, type Input } from './inputs.ts';
import { outputNames, writeTogether } from './output.ts';

const folder = mkdtempSync(join(tmpdir(), 'dh-files-'));
after(() => rmSync(folder, { recursive: true }));

async function found(...paths: string[]): Promise<string[]> {
  const all: Input[] = [];
  for await (const input of findInputs(paths)) all.push(input);
  return all.map((input) => (input.kind === 'file' ? input.path : `${input.path}: ${input.error.code}`));
}

test('folders give every file below them in order, hidden ones left out', async () => {
  const root = join(folder, 'plain');
  mkdirSync(join(root, 'b'), { recursive: true });
  for (const name of ['c.dcm', 'b/2.dcm', 'b/1.dcm', 'a', '.hidden']) writeFileSync(join(root, name), 'x');
  assert.deepEqual(
    await found(root),
    ['a', 'b/1.dcm', 'b/2.dcm', 'c.dcm'].map((name) => join(root, name)),
  );
});

test('a loop of folders is entered once and named', async () => {
  const root = join(folder, 'loop');
  mkdirSync(join(root, 'in'), { recursive: true });
  writeFileSync(join(root, 'in', 'film.dcm'), 'x');
  symlinkSync(root, join(root, 'in', 'up'));
  assert.deepEqual(await found(root), [join(root, 'in/film.dcm'), `${join(root, 'in/up')}: input.loop`]);
});

test('what is not there and what is not a file has a code each', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  assert.deepEqual(await found(join(folder, 'none'), pipe), [
    `${join(folder, 'none')}: input.not-found`,
    `${pipe}: input.unreadable`,
  ]);
});

test('a folder that may not be read is named, the others are read', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can become another user');
  const root = mkdtempSync(join(tmpdir(), 'dh-locked-'));
  chmodSync(root, 0o755);
  mkdirSync(join(root, 'locked'));
  writeFileSync(join(root, 'open.dcm'), 'x');
  chmodSync(join(root, 'locked'), 0o700);
  // Root may read everything, so another user has to look.
  const script = `
    process.setgid(65534); process.setuid(65534);
    const { findInputs } = await import(process.argv[1]);
    for await (const input of findInputs([process.argv[2]]))
      console.log(input.kind === 'file' ? input.path : input.path + ': ' + input.error.code);`;
  const args = ['--input-type=module', '-e', script, new URL('./inputs.ts', import.meta.url).href, root];
  const out = spawnSync(process.execPath, args, { encoding: 'utf8' });
  rmSync(root, { recursive: true });
  assert.equal(out.stdout, `${root}/locked: input.unreadable\n${root}/open.dcm\n`, out.stderr);
  return undefined;
});

test('the files of a result appear all together', async () => {
  const out = join(folder, 'new', 'out');
  const written = await writeTogether(out, [
    { name: 'a.json', bytes: '{}' },
    { name: 'a.dcm', bytes: new Uint8Array([1, 2]) },
  ]);
  assert.deepEqual(written, [join(out, 'a.json'), join(out, 'a.dcm')]);
  assert.deepEqual(readdirSync(out).sort(), ['a.dcm', 'a.json']);
  assert.deepEqual([...readFileSync(join(out, 'a.dcm'))], [1, 2]);
});

test('a full disk leaves nothing half-written', async (t) => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk]);
  if (mounted.status !== 0) return t.skip('a small file system cannot be mounted here (needs root)');
  try {
    await assert.rejects(
      writeTogether(disk, [
        { name: 'small.json', bytes: '{}' },
        { name: 'large.dcm', bytes: new Uint8Array(200_000) },
      ]),
      (error) => error instanceof DeepHealthError && error.code === 'output.disk-full',
    );
    assert.deepEqual(readdirSync(disk), []);
  } finally {
    execFileSync('umount', [disk]);
  }
  return undefined;
});

test('a path that cannot be a folder is told apart from a full disk', async () => {
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(
    writeTogether(join(folder, 'file'), [{ name: 'a', bytes: '' }]),
    (error) => error instanceof DeepHealthError && error.code === 'output.not-writable',
  );
});

test('films of the same name get outputs of their own', () => {
  const name = outputNames();
  assert.deepEqual(['film.dcm', 'FILM.JPG', 'film', 'scan.1.png', '.dcm', 'IM0001'].map(name), [
    'film',
    'FILM-2',
    'film-3',
    'scan.1',
    'film-4',
    'IM0001',
  ]);
});

test('no two films share one output file, and every output has a name that a disk takes', () => {
  const name = outputNames();
  const stems = ['a.dcm', 'a.text.dcm', 'B.text.png', 'b.dcm', `${'ф'.repeat(125)}.dcm`].map(name);
  const outputs = stems.flatMap((stem) =>
    ['sr.dcm', 'text.sr.dcm', 'heatmap.dcm'].map((ending) => `.${stem}.${ending}.partial`.toLowerCase()),
  );
  assert.equal(new Set(outputs).size, outputs.length);
  for (const output of outputs) assert.ok(Buffer.byteLength(output) <= 255);
});
