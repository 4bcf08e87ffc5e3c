import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import { findLabelledFilms } from './labelled.ts';
import { readFilmFile } from './open.ts';

/** Finds films in a folder made of empty files with these names and texts. */
async function find(files: Readonly<Record<string, string>>, labels?: string) {
  const folder = await mkdtemp(path.join(tmpdir(), 'dh-films-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const { films, unlabelled } = await findLabelledFilms(folder, labels && path.join(folder, labels));
    return { rows: films.map((film) => [film.name, film.truth, film.part, film.patient]), unlabelled };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function codeOf(files: Readonly<Record<string, string>>): Promise<string> {
  return find(files).then(
    () => 'none',
    (error: unknown) =>
      error instanceof DeepHealthError ? `${error.code}: ${error.message}` : String(error),
  );
}

test('the public data set is sorted as it is: parts, NORMAL and PNEUMONIA, the type in the file name', async () => {
  const { rows, unlabelled } = await find({
    'chest_xray/train/NORMAL/IM-0115-0001.jpeg': '',
    'chest_xray/train/NORMAL/NORMAL2-IM-0838-0001.jpeg': '',
    'chest_xray/train/PNEUMONIA/person1_bacteria_2.jpeg': '',
    'chest_xray/test/PNEUMONIA/person1000_virus_1681.jpeg': '',
    'chest_xray/val/PNEUMONIA/scan7.jpeg': '',
    '__MACOSX/train/NORMAL/._IM-0115-0001.jpeg': '',
    'chest_xray/README.md': '',
  });
  assert.equal(unlabelled, 0);
  assert.deepEqual(rows.toSorted(), [
    ['chest_xray/test/PNEUMONIA/person1000_virus_1681.jpeg', 'viral-pneumonia', 'test', 'person1000'],
    ['chest_xray/train/NORMAL/IM-0115-0001.jpeg', 'normal', 'train', 'IM-0115'],
    ['chest_xray/train/NORMAL/NORMAL2-IM-0838-0001.jpeg', 'normal', 'train', 'IM-0838'],
    ['chest_xray/train/PNEUMONIA/person1_bacteria_2.jpeg', 'bacterial-pneumonia', 'train', 'person1'],
    ['chest_xray/val/PNEUMONIA/scan7.jpeg', 'pneumonia', 'val', undefined],
  ]);
});

test('class folders say the class whatever the films are called, and unsorted files go by their names', async () => {
  const { rows, unlabelled } = await find({
    'Viral Pneumonia/a.dcm': '',
    'bacterial/b.png': '',
    'Normal/IM_like_virus_1.png': '',
    'person9_virus_3.jpeg': '',
    'holiday.jpeg': '',
  });
  assert.equal(unlabelled, 1, 'a file that nothing labels is counted, not read');
  assert.deepEqual(
    rows.map(([name, truth]) => [name, truth]),
    [
      ['Normal/IM_like_virus_1.png', 'normal'],
      ['Viral Pneumonia/a.dcm', 'viral-pneumonia'],
      ['bacterial/b.png', 'bacterial-pneumonia'],
      ['person9_virus_3.jpeg', 'viral-pneumonia'],
    ],
  );
});

test('a table of labels is matched by path, name or stem, with patients and parts where it gives them', async () => {
  const { rows } = await find({
    'labels.csv':
      '\ufeffFile;Class;Patient ID;Split\r\nstudy1/1.dcm;NORMAL;p1;train\r\n2.dcm;virus;p2;test\r\n"3";Bacterial pneumonia;;\r\n',
    'study1/1.dcm': '',
    'study2/2.dcm': '',
    'study3/3.dcm': '',
    'study3/4.dcm': '',
  });
  assert.deepEqual(rows, [
    ['study1/1.dcm', 'normal', 'train', 'p1'],
    ['study2/2.dcm', 'viral-pneumonia', 'test', 'p2'],
    ['study3/3.dcm', 'bacterial-pneumonia', undefined, undefined],
    ['study3/4.dcm', undefined, undefined, undefined],
  ]);
});

test('a table that cannot be used says what is wrong with it', async () => {
  assert.match(
    await codeOf({ 'labels.csv': 'when,label\n1,normal\n', 'a.png': '' }),
    /^evaluate.labels: .*no column for the film/,
  );
  assert.match(
    await codeOf({ 'labels.csv': 'file,when\na.png,1\n', 'a.png': '' }),
    /^evaluate.labels: .*no column for the label/,
  );
  assert.match(
    await codeOf({ 'labels.csv': 'file,label\na.png,broken arm\n', 'a.png': '' }),
    /^evaluate.labels: .*lines 2/,
  );
  assert.match(
    await codeOf({ 'labels.csv': 'file,label\n"a.png,normal\n', 'a.png': '' }),
    /^evaluate.labels/,
  );
});

test('a folder without labelled films, or no folder at all, is an error', async () => {
  assert.match(await codeOf({ 'notes.txt': '' }), /^evaluate.no-films/);
  await assert.rejects(findLabelledFilms('/nowhere/at/all'), { code: 'evaluate.no-films' });
});

test('links that lead round in a circle are walked once', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dh-films-'));
  try {
    await mkdir(path.join(folder, 'NORMAL'));
    await writeFile(path.join(folder, 'NORMAL', 'a.png'), '');
    await symlink(folder, path.join(folder, 'NORMAL', 'round'));
    assert.equal((await findLabelledFilms(folder)).films.length, 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a folder holds as many films as it likes', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dh-films-'));
  try {
    await mkdir(path.join(folder, 'NORMAL'));
    await writeFile(path.join(folder, 'a'), '');
    // A fifth of the usual stack, so that a fifth of the 125,000 names that fit on it is too many already.
    for (let at = 0; at < 30_000; at++)
      linkSync(path.join(folder, 'a'), path.join(folder, 'NORMAL', `${at}.png`));
    const script = `
      const { findLabelledFilms } = await import(process.argv[1]);
      console.log((await findLabelledFilms(process.argv[2])).films.length);`;
    const module = new URL('./labelled.ts', import.meta.url).href;
    const flags = ['--stack-size=200', '--input-type=module', '-e', script];
    assert.equal(execFileSync(process.execPath, [...flags, module, folder], { encoding: 'utf8' }), '30000\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a file that is too large for a film is refused by its size', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dh-films-'));
  try {
    const file = path.join(folder, 'sparse.dcm');
    await writeFile(file, '');
    await truncate(file, 2 ** 40);
    await assert.rejects(readFilmFile(file), { code: 'file.too-large' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
