/** `deep-health classify` as a black box: the command, its outputs and its exit codes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
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
import { after, before, test } from 'node:test';
import { phantomFile } from '../../src/dicom/phantom/file.ts';
import { phantomPicture } from '../../src/dicom/phantom/picture.ts';
import { encapsulated } from '../fixtures/dicom.ts';

const SIZE = { width: 640, height: 560 } as const;
const BIN = join(import.meta.dirname, '../../bin/deep-health.mjs');

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'dh-classify-'));
});
after(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function classify(...args: string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, 'classify', ...args]);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

type Json = Record<string, unknown>;

function lines(run: Run): Json[] {
  return run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json);
}

function save(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

test('a DICOM film gives the JSON of the contract, key by key', async () => {
  const path = save('contract.dcm', phantomFile({ ...SIZE, seed: 3 }));
  const run = await classify(path, '--json');
  assert.equal(run.code, 0, run.stderr);
  const [json] = lines(run);
  assert.ok(json);
  assert.deepEqual(Object.keys(json), [
    'file',
    'studyInstanceUid',
    'sopInstanceUid',
    'label',
    'probabilities',
    'pneumonia',
    'abstained',
    'applicability',
    'quality',
    'triage',
    'model',
    'timingsMs',
  ]);
  assert.equal(json.file, path);
  assert.match(String(json.studyInstanceUid), /^[0-9.]+$/);
  const probabilities = json.probabilities as Record<string, number>;
  assert.deepEqual(Object.keys(probabilities), ['normal', 'bacterial-pneumonia', 'viral-pneumonia']);
  const sum = Object.values(probabilities).reduce((total, one) => total + one, 0);
  assert.ok(Math.abs(sum - 1) < 1e-6, `sum ${sum}`);
  assert.deepEqual(Object.keys(json.timingsMs as object), ['read', 'decode', 'prepare', 'infer', 'report']);
  assert.deepEqual(Object.keys(json.model as object).sort(), ['name', 'sha256', 'version']);
  assert.equal(json.triage, 'off');
});

test('with --out every file of the contract is there, and valid for dciodvfy', async (t) => {
  const path = save('out.dcm', phantomFile({ ...SIZE, seed: 4 }));
  const out = join(folder, 'results');
  const run = await classify(path, '--out', out);
  assert.equal(run.code, 0, run.stderr);
  assert.deepEqual(readdirSync(out).sort(), [
    'out.heatmap.dcm',
    'out.heatmap.png',
    'out.json',
    'out.oru.hl7',
    'out.sr.dcm',
    'out.text.sr.dcm',
  ]);
  // The text summary is for people: what it found, and where the files are.
  assert.match(run.stderr, /out\.text\.sr\.dcm/);
  assert.match(run.stderr, /normal \d/);
  assert.equal(run.stdout, '');
  if (!existsSync('/usr/bin/dciodvfy')) return t.skip('dicom3tools is not installed');
  for (const name of ['out.sr.dcm', 'out.text.sr.dcm', 'out.heatmap.dcm']) {
    const { stderr } = spawnSync('dciodvfy', [join(out, name)], { encoding: 'utf8' });
    assert.doesNotMatch(stderr, /^Error/m, name);
  }
  return undefined;
});

test('JPEG and PNG films give reports too, with the film itself as an object they can point to', async () => {
  const jpeg = save('picture.jpg', await phantomPicture({ ...SIZE, seed: 5, format: 'jpeg' }));
  const out = join(folder, 'pictures');
  const run = await classify(jpeg, '--out', out, '--json');
  assert.equal(run.code, 0, run.stderr);
  const [json] = lines(run);
  assert.equal(json?.studyInstanceUid, null);
  assert.equal(json?.sopInstanceUid, null);
  assert.deepEqual(readdirSync(out).sort(), [
    'picture.film.dcm',
    'picture.heatmap.dcm',
    'picture.heatmap.png',
    'picture.json',
    'picture.oru.hl7',
    'picture.sr.dcm',
    'picture.text.sr.dcm',
  ]);
});

test('the same film gives the same probabilities and identities in every run', async () => {
  const path = save('again.dcm', phantomFile({ ...SIZE, seed: 6 }));
  const outs = ['one', 'two'].map((name) => join(folder, name));
  const runs = [];
  for (const out of outs) runs.push(await classify(path, '--out', out, '--json'));
  const [one, two] = runs.map((run) => lines(run)[0]);
  assert.deepEqual(one?.probabilities, two?.probabilities);
  const uids = outs.map((out) => sopInstanceUid(join(out, 'again.sr.dcm')));
  assert.match(uids[0] ?? '', /^2\.25\.\d+$/);
  assert.equal(uids[0], uids[1]);
});

/** (0002,0003) of a Part 10 file, read by hand: the tag, UI, length, value. */
function sopInstanceUid(path: string): string {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(Buffer.from([0x02, 0x00, 0x03, 0x00]));
  const length = bytes.readUInt16LE(at + 6);
  return bytes
    .subarray(at + 8, at + 8 + length)
    .toString('latin1')
    .replace(/\0$/, '');
}

test('one bad file among good ones is named with its code, the rest is read, exit code 3', async () => {
  const root = join(folder, 'mixed');
  mkdirSync(join(root, 'deeper'), { recursive: true });
  writeFileSync(join(root, '1-good.dcm'), phantomFile({ ...SIZE, seed: 7 }));
  writeFileSync(join(root, '2-empty.dcm'), '');
  writeFileSync(join(root, '3-text.txt'), 'not a film\n'.repeat(100));
  writeFileSync(join(root, '4-lateral.dcm'), phantomFile({ ...SIZE, seed: 8, view: 'LL' }));
  writeFileSync(join(root, '5-cut.dcm'), phantomFile({ ...SIZE, seed: 9 }).subarray(0, 300_000));
  writeFileSync(join(root, 'deeper', '6-good.dcm'), phantomFile({ ...SIZE, seed: 10 }));
  symlinkSync(root, join(root, 'deeper', '7-loop'));
  const run = await classify(root, join(folder, 'not-there.dcm'), '--json');
  assert.equal(run.code, 3, run.stderr);
  const found = lines(run).map((json) => (json.error as { code: string } | undefined)?.code ?? 'read');
  assert.equal(found.length, 8);
  assert.equal(found[0], 'read');
  assert.equal(found[1], 'file.empty');
  assert.equal(found[2], 'file.unknown-format');
  assert.equal(found[3], 'film.not-frontal');
  assert.match(found[4] ?? '', /^(file|pixel)\.truncated$/);
  assert.deepEqual(found.slice(5), ['read', 'input.loop', 'input.not-found']);
});

test('films of one name in two folders do not overwrite each other', async () => {
  const root = join(folder, 'twins');
  for (const name of ['a', 'b']) {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, 'film.dcm'), phantomFile({ ...SIZE, seed: name.charCodeAt(0) }));
  }
  const out = join(folder, 'twin-results');
  const run = await classify(root, '--out', out);
  assert.equal(run.code, 0, run.stderr);
  const names = readdirSync(out).filter((name) => name.endsWith('.json'));
  assert.deepEqual(names.sort(), ['film-2.json', 'film.json']);
  const files = names.map((name) => (JSON.parse(readFileSync(join(out, name), 'utf8')) as Json).file);
  assert.notEqual(files[0], files[1]);
});

test('of many films each gives what it gives alone, in the order of their names, however long one takes', async () => {
  const many = join(folder, 'many');
  mkdirSync(many);
  const names = Array.from({ length: 20 }, (_, n) => join(many, `${String(n).padStart(2, '0')}.dcm`));
  for (const [n, path] of names.entries()) {
    // The first has as much to decode as all others.
    const size = n === 0 ? { width: 2000, height: 2400 } : SIZE;
    writeFileSync(path, n === 7 ? 'no film' : phantomFile({ ...size, seed: 1 + (n % 3) }));
  }
  const [whole, alone] = await Promise.all([
    classify(many, '--json'),
    classify(names[0] ?? '', names[5] ?? '', '--json'),
  ]);
  assert.equal(whole.code, 3, whole.stderr);
  const told = lines(whole);
  assert.deepEqual(
    told.map(({ file }) => file),
    names,
  );
  const without = ({ timingsMs: _, ...rest }: Json) => rest;
  assert.deepEqual(
    [told[0], told[5]].map((json) => without(json ?? {})),
    lines(alone).map(without),
  );
  assert.ok(told.every((json, n) => 'error' in json === (n === 7)));
});

test('with the largest batch no film is turned away while others are decoded', async () => {
  const root = join(folder, 'crowd');
  mkdirSync(root);
  const film = compressedBlank();
  for (let n = 0; n < 150; n += 1) writeFileSync(join(root, `${n}.dcm`), film);
  const config = save('crowd.yaml', 'model: { batch: 64 }\n');
  const run = await classify(root, '--config', config, '--json');
  const codes = lines(run).map((json) => (json.error as { code: string } | undefined)?.code);
  assert.deepEqual([...new Set(codes)], ['film.blank'], run.stderr);
});

/** A film of one grey, RLE compressed (PS3.5 G), so that it takes a decoder thread and no network. */
function compressedBlank(): Buffer {
  const side = 128;
  const segments = Buffer.alloc(64);
  segments.writeUInt32LE(1, 0);
  segments.writeUInt32LE(64, 4);
  const runs = Array.from({ length: (side * side) / 128 }, () => Buffer.from([129, 100]));
  const header = phantomFile({ width: side, height: side, bits: 8, without: ['7FE00010'] });
  return encapsulated(header, '1.2.840.10008.1.2.5', Buffer.concat([segments, ...runs]));
}

test('a reader of the output that goes away ends the command without a stack trace', async () => {
  const root = join(folder, 'piped');
  mkdirSync(root);
  for (let n = 0; n < 40; n += 1) writeFileSync(join(root, `${n}.txt`), 'no film');
  const child = spawn(process.execPath, [BIN, 'classify', root, '--json']);
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(stderr, '');
  assert.equal(code, 1);
});

test('nothing readable is exit code 1, wrong usage and wrong config are 2', async () => {
  const empty = save('nothing.dcm', '');
  assert.equal((await classify(empty)).code, 1);
  assert.equal((await classify()).code, 2);
  assert.equal((await classify(empty, '--no-such-option')).code, 2);
  assert.equal((await classify(empty, '--engine', 'abacus')).code, 2);
  const hollow = join(folder, 'hollow');
  mkdirSync(hollow);
  const nothing = await classify(hollow);
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /^input\.nothing: /);
  const config = save('broken.yaml', 'server: { prt: 1 }\n');
  const run = await classify(empty, '--config', config);
  assert.equal(run.code, 2);
  assert.match(run.stderr, /server\.prt/);
  assert.equal((await classify(empty, '--model', join(folder, 'no-model'))).code, 2);
});

test('a full disk loses no film silently and leaves nothing half-written', async (t) => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'none', disk]).status !== 0) {
    return t.skip('a small file system cannot be mounted here (needs root)');
  }
  try {
    const path = save('full.dcm', phantomFile({ ...SIZE, seed: 11 }));
    const run = await classify(path, '--out', disk, '--json');
    assert.equal(run.code, 1);
    assert.match(run.stdout, /"code":"output\.disk-full"/);
    assert.deepEqual(readdirSync(disk), []);
  } finally {
    spawnSync('umount', [disk]);
  }
  return undefined;
});

test('no patient data stands in what is printed', async () => {
  const patient = { name: 'Zzyzx^Quentin', id: 'SECRET-4711', birthDate: '20220214' };
  const path = save(
    'private.dcm',
    phantomFile({ ...SIZE, seed: 12, patient, order: { accessionNumber: 'ACC-0815' } }),
  );
  const bad = save('private-lateral.dcm', phantomFile({ ...SIZE, seed: 13, patient, view: 'LL' }));
  const run = await classify(path, bad);
  assert.equal(run.code, 3);
  assert.doesNotMatch(run.stderr, /Zzyzx|Quentin|4711|20220214|0815/);
});
