import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDataFolder } from '../intake/data-folder.ts';
import type { NewReportObject } from '../ledger/types.ts';
import { keepInFiles } from './result-files.ts';

async function newFolder(t: TestContext) {
  const folder = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-results-')));
  t.after(() => rm(folder.path, { recursive: true }));
  return folder;
}

function made(kind: NewReportObject['kind'], uid: string, size: number): NewReportObject {
  const bytes = Buffer.alloc(size, uid);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    ...{ key: `${kind} ${uid}`, kind, uid, seriesUid: '1.2.1', sopClassUid: '1.2.2' },
    ...{ body: { kind: 'inline', bytes }, sha256, bytes: size },
  };
}

test('a heat map lies in a file, byte by byte; reports stay in the ledger', async (t) => {
  const folder = await newFolder(t);
  const [heatMap, report] = [made('heat-map', '1.2.3', 2_400_000), made('sr-air', '1.2.4', 12_000)];
  const [inFile, inRow] = await keepInFiles([heatMap, report], [], folder);
  assert.equal(inRow, report);
  assert.equal(inFile?.body.kind, 'file');
  const path = inFile?.body.kind === 'file' ? inFile.body.path : '';
  assert.deepEqual({ ...inFile, body: heatMap.body }, heatMap);
  const digest = createHash('sha256').update(await readFile(folder.absolute(path)));
  assert.equal(digest.digest('hex'), heatMap.sha256);
  assert.deepEqual(await readdir(folder.results), [path.split('/').at(-1)]);
});

test('the same results of another reader never touch the file of the first', async (t) => {
  const folder = await newFolder(t);
  const heatMap = made('heat-map', '1.2.3', 100_000);
  const twice = await Promise.all([keepInFiles([heatMap], [], folder), keepInFiles([heatMap], [], folder)]);
  const paths = twice.flat().map(({ body }) => (body.kind === 'file' ? body.path : ''));
  assert.equal(new Set(paths).size, 2);
  assert.equal((await readdir(folder.results)).length, 2);
});

test('what the study had before, of which the first bytes count, is not written again', async (t) => {
  const folder = await newFolder(t);
  const heatMap = made('heat-map', '1.2.3', 100_000);
  const other = made('heat-map', '1.2.5', 100_000);
  const kept = await keepInFiles([heatMap, other], [{ kind: 'heat-map', uid: '1.2.3' }], folder);
  assert.deepEqual(
    kept.map(({ body }) => body.kind),
    ['inline', 'file'],
  );
  assert.equal((await readdir(folder.results)).length, 1);
});

test('a disk that refuses has the study read again later', async (t) => {
  const folder = await newFolder(t);
  await rm(folder.results, { recursive: true });
  await assert.rejects(keepInFiles([made('heat-map', '1.2.3', 100_000)], [], folder), {
    code: 'storage.failed',
    retry: 'transient',
  });
});
