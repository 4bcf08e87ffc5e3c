import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { phantomFile } from '../../dicom/phantom/file.ts';
import { phantomPicture } from '../../dicom/phantom/picture.ts';
import { loadModel } from '../classify.ts';
import { evaluate } from '../evaluate/evaluate.ts';
import { readModelFolder } from '../folder.ts';
import type { Progress } from '../progress.ts';
import { type RetrainOptions, retrain } from './retrain.ts';

const base = path.resolve(import.meta.dirname, '../../../models/pneumonia-inception-v3');
const SIZE = { width: 320, height: 280 };
const PATIENTS = 5;
const CLASSES = [
  ['NORMAL', 'normal', (n: number) => `IM-${n + 1000}-0001.jpeg`],
  ['PNEUMONIA', 'bacterial', (n: number) => `person${n}_bacteria_1.jpeg`],
  ['PNEUMONIA', 'viral', (n: number) => `person${n + 100}_virus_1.jpeg`],
] as const;

let scratch: string;
let films: string;

/** A data set of phantoms laid out as the public one: 5 patients a class to train on, one a class to test. */
before(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'dh-retrain-'));
  films = path.join(scratch, 'chest_xray');
  let seed = 1;
  for (const [folder, finding, name] of CLASSES) {
    for (let n = 0; n <= PATIENTS; n += 1) {
      const part = n < PATIENTS ? 'train' : 'test';
      await mkdir(path.join(films, part, folder), { recursive: true });
      const picture = await phantomPicture({ ...SIZE, finding, seed });
      await writeFile(path.join(films, part, folder, name(n)), picture);
      seed += 1;
    }
  }
  const first = await readFile(path.join(films, 'train/NORMAL/IM-1000-0001.jpeg'));
  await writeFile(path.join(films, 'train/NORMAL/IM-1000-0002.jpeg'), first);
  await writeFile(path.join(films, 'train/NORMAL/IM-1001-0009.jpeg'), 'not a picture');
  await writeFile(path.join(films, 'train/PNEUMONIA/scan.jpeg'), await phantomPicture({ ...SIZE, seed: 99 }));
});
after(() => rm(scratch, { recursive: true, force: true }));

const options = (out: string): RetrainOptions => ({
  base,
  out: path.join(scratch, out),
  cache: path.join(scratch, 'bottlenecks'),
  threads: 1,
});

async function nothingPartial(): Promise<void> {
  assert.deepEqual(
    (await readdir(scratch)).filter((name) => name.endsWith('.partial')),
    [],
  );
}

test('a folder as the public data set has it becomes a model that loads, reads and explains itself', async () => {
  const stages = new Set<string>();
  const made = await retrain(films, {
    ...options('first'),
    onProgress: ({ stage, done, total }: Progress) => {
      stages.add(stage);
      assert.ok(done <= total);
    },
  });
  assert.deepEqual([...stages], ['bottlenecks', 'training', 'read']);
  assert.equal(made.films, CLASSES.length * PATIENTS);
  assert.equal(made.patients, CLASSES.length * PATIENTS);
  assert.ok(made.cached <= 1, 'nothing was computed before but the duplicate');
  const listed = (films: typeof made.leftOut) => films.map(({ name, code }) => [path.basename(name), code]);
  assert.deepEqual(listed(made.unreadable), [['IM-1001-0009.jpeg', 'file.unknown-format']]);
  assert.deepEqual(listed(made.leftOut), [
    ['scan.jpeg', 'type-unknown'],
    ['IM-1000-0002.jpeg', 'duplicate'],
  ]);
  assert.equal(made.test?.films.evaluated, 3, 'the part test was kept out and evaluated');

  const original = await readModelFolder(base);
  const folder = await readModelFolder(made.out);
  assert.deepEqual(folder.identity, made.model);
  assert.notEqual(folder.identity.sha256, original.identity.sha256);
  assert.notEqual(folder.identity.version, original.identity.version);
  assert.equal(folder.manifest.files.backbone.sha256, original.manifest.files.backbone.sha256);
  assert.equal(
    folder.gate === undefined,
    original.gate === undefined,
    'a gate is refitted where there is one',
  );
  for (const file of [
    'MODEL_CARD.md',
    'report.html',
    'metrics.json',
    'accuracy.svg',
    'cross-entropy.svg',
    'test/report.html',
  ]) {
    assert.ok((await stat(path.join(made.out, file))).size > 500, file);
  }
  const card = await readFile(path.join(made.out, 'MODEL_CARD.md'), 'utf8');
  assert.doesNotMatch(card, /undefined|NaN|\[object/);
  const page = await readFile(path.join(made.out, 'report.html'), 'utf8');
  assert.match(page, /Cross-entropy/);
  assert.match(page, /Against the base/);
  assert.equal(made.evaluation.comparison?.with.sha256, original.identity.sha256);
  const { reference } = folder.manifest;
  assert.equal(reference?.films, made.films, 'drift is measured against the films of this model');
  assert.ok(Math.abs((reference?.pneumonia ?? []).reduce((sum, share) => sum + share, 0) - 1) < 1e-5);
  await nothingPartial();

  const model = await loadModel(made.out, { threads: 1 });
  await model.close();
});

test('a second run finds the bottlenecks on disk and makes the same model, even after half a record', async () => {
  const [cache] = await readdir(path.join(scratch, 'bottlenecks'));
  assert.ok(cache);
  await appendFile(path.join(scratch, 'bottlenecks', cache), Buffer.alloc(1000, 7));
  const again = await retrain(films, options('second'));
  assert.equal(again.cached, again.films + 1, 'the duplicate was found too');
  const first = await readModelFolder(path.join(scratch, 'first'));
  assert.equal(again.model.sha256, first.identity.sha256);
});

test('a run that is stopped leaves no model, and what it computed is not computed again', async () => {
  const stop = new AbortController();
  const cache = path.join(scratch, 'stopped.bottlenecks');
  const run = retrain(films, {
    ...options('stopped'),
    cache,
    signal: stop.signal,
    onProgress: ({ done }) => {
      if (done >= 8) stop.abort();
    },
  });
  await assert.rejects(run, { code: 'retrain.interrupted' });
  await assert.rejects(stat(path.join(scratch, 'stopped')), { code: 'ENOENT' });
  const goneOn = await retrain(films, { ...options('stopped'), cache });
  assert.ok(goneOn.cached > 0 && goneOn.cached < goneOn.films + 1, `${goneOn.cached} were kept`);
});

test('what somebody put into the folder while it ran is not deleted', async () => {
  const theirs = path.join(scratch, 'shared', 'theirs.txt');
  const run = retrain(films, {
    ...options('shared'),
    onProgress: ({ stage }) => {
      if (stage !== 'training') return;
      mkdirSync(path.dirname(theirs), { recursive: true });
      writeFileSync(theirs, 'of another run');
    },
  });
  await assert.rejects(run, { code: 'retrain.output' });
  assert.equal(await readFile(theirs, 'utf8'), 'of another run');
  await nothingPartial();
});

test('of two runs for one folder one makes the model, whole, and the other is refused', async () => {
  const both = { ...options('raced'), version: '9.0.0' };
  const runs = await Promise.allSettled([retrain(films, both), retrain(films, both)]);
  const [made, ...more] = runs.filter((run) => run.status === 'fulfilled');
  assert.ok(made && more.length === 0);
  const refused = runs.find((run) => run.status === 'rejected');
  assert.equal(refused?.reason.code, 'retrain.output');
  const folder = await readModelFolder(both.out);
  assert.equal(folder.identity.sha256, made.value.model.sha256);
  for (const file of ['MODEL_CARD.md', 'report.html', 'accuracy.svg', 'test/report.html'])
    assert.ok((await stat(path.join(both.out, file))).size > 500, file);
  await nothingPartial();
});

test('no model is ever overwritten, and a base that does not fit is refused before any work', async () => {
  await assert.rejects(retrain(films, options('first')), { code: 'retrain.output' });
  await assert.rejects(retrain(films, { ...options('other'), base: scratch }), { code: 'retrain.base' });
  await assert.rejects(
    retrain(films, { ...options('first/model.bin'), out: path.join(scratch, 'first/manifest.json') }),
    {
      code: 'retrain.output',
    },
  );
});

test('a class without films is named', async () => {
  const some = path.join(scratch, 'no-virus');
  for (const [folder, finding] of [
    ['normal', 'normal'],
    ['bacterial', 'bacterial'],
  ] as const) {
    await mkdir(path.join(some, folder), { recursive: true });
    for (let n = 0; n < 3; n += 1) {
      await writeFile(
        path.join(some, folder, `${n}.jpeg`),
        await phantomPicture({ ...SIZE, finding, seed: n + 40 }),
      );
    }
  }
  await assert.rejects(retrain(some, options('no-virus-model')), {
    code: 'retrain.class-without-films',
    message: /viral-pneumonia/,
  });
});

test('evaluate reads DICOM files that a table labels by SOP Instance UID, and tells subgroups apart', async () => {
  const folder = path.join(scratch, 'dicom');
  const out = path.join(scratch, 'evaluation');
  await mkdir(folder, { recursive: true });
  const lines = ['sop_instance_uid,label'];
  const findings = ['normal', 'bacterial', 'viral', 'normal'] as const;
  for (const [n, finding] of findings.entries()) {
    const instance = `1.2.826.0.1.3680043.8.498.${n + 1}`;
    const file = phantomFile({
      ...SIZE,
      finding,
      seed: n + 70,
      uids: { instance },
      patient: {
        id: `SECRET${n}`,
        name: 'Nobody^Known',
        sex: n % 2 ? 'F' : 'M',
        birthDate: n < 2 ? '20210101' : '19500101',
      },
    });
    await writeFile(path.join(folder, `film${n}.dcm`), file);
    lines.push(`${instance},${finding}`);
  }
  await writeFile(path.join(folder, 'unnamed.dcm'), phantomFile({ ...SIZE, seed: 90 }));
  await writeFile(path.join(folder, 'broken.dcm'), phantomFile({ ...SIZE, seed: 91 }).subarray(0, 5000));
  await writeFile(path.join(folder, 'labels.csv'), lines.join('\n'));
  const model = await loadModel(base, { threads: 1 });
  try {
    const found = await evaluate(folder, { model, out, resamples: 50 });
    assert.equal(found.films.evaluated, 4);
    assert.equal(found.films.unlabelled, 1);
    assert.deepEqual(
      found.unreadable.map(({ name }) => name),
      ['broken.dcm'],
    );
    assert.deepEqual(found.films.byTruth, { normal: 2, 'bacterial-pneumonia': 1, 'viral-pneumonia': 1 });
    assert.deepEqual(
      found.subgroups
        .filter(({ dimension }) => dimension === 'sex')
        .map(({ group, films: count }) => [group, count]),
      [
        ['F', 2],
        ['M', 2],
      ],
    );
    assert.equal(
      found.confusion.counts.flat().reduce((sum, count) => sum + count, 0),
      4,
    );
    const page = (await readFile(path.join(out, 'report.html'), 'utf8')).replace(/base64,[^"]*/g, '');
    const metrics = await readFile(path.join(out, 'metrics.json'), 'utf8');
    assert.deepEqual(JSON.parse(metrics), JSON.parse(JSON.stringify(found)));
    for (const text of [page, metrics]) {
      assert.doesNotMatch(text, /SECRET|Nobody|19500101/, 'no patient data');
      assert.doesNotMatch(text, /NaN|undefined<|\[object/);
    }
    assert.doesNotMatch(page, /(src|href)="http/, 'the page needs nothing beside itself');
  } finally {
    await model.close();
  }
});
