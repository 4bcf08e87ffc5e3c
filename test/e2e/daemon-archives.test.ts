/** Several archives at once, each with its own studies, and one of them away. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { element } from '../../src/dicom/phantom/header.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { until } from '../peers/process.ts';
import {
  EVERY_SECOND,
  film,
  instanceOf,
  pacsConfig,
  resultsIn,
  startDaemon,
  studyOf,
  type TestDaemon,
} from './daemon.ts';

const skip = orthancInstalled() ? false : 'Orthanc is not installed';
let north: Orthanc;
let south: Orthanc;
let daemon: TestDaemon;

before(async () => {
  if (skip !== false) return;
  [north, south] = await Promise.all([startOrthanc(), startOrthanc()]);
  await south.halt();
  daemon = await startDaemon({
    config: {
      pacs: [
        pacsConfig(north, { name: 'north', ...EVERY_SECOND }),
        pacsConfig(south, { name: 'south', ...EVERY_SECOND }),
      ],
    },
  });
});

after(async () => {
  await daemon?.remove();
  await Promise.all([north?.stop(), south?.stop()]);
});

async function store(orthanc: Orthanc, file: Uint8Array): Promise<string> {
  const path = join(daemon.folder, `${instanceOf(file)}.dcm`);
  await writeFile(path, file);
  await orthanc.storeScu([path]);
  return studyOf(file);
}

test('an archive that is away keeps no other from being polled, and is polled when it is back', {
  skip,
}, async () => {
  const one = await store(north, film(751));
  await daemon.reaches(one, 'delivered');
  await south.start();
  const two = await store(south, film(752));
  await daemon.reaches(two, 'delivered');
  assert.equal((await resultsIn(north, one)).reports.length, 2);
  assert.equal((await resultsIn(south, two)).reports.length, 2);
  assert.equal((await resultsIn(south, one)).instances, 0, 'results go back to where the study came from');
  assert.equal((await resultsIn(north, two)).instances, 0);
});

test('a pushed study is reported to every archive that takes results', { skip }, async () => {
  const file = film(753);
  await (await daemon.push(file)).body?.cancel();
  await daemon.reaches(studyOf(file), 'delivered');
  for (const archive of [north, south]) {
    assert.equal((await resultsIn(archive, studyOf(file))).reports.length, 2);
  }
});

test('the push script for Orthanc sends the films of a study and nothing else', { skip }, async () => {
  const script = await readFile(new URL('../../deploy/orthanc/push.lua', import.meta.url), 'utf8');
  const pusher = await startOrthanc({
    lua: script,
    servers: { 'deep-health': { url: `${daemon.url}/dicom-web/` } },
    stableAge: 1,
  });
  try {
    const file = film(754);
    await store(pusher, file);
    await store(pusher, film(754, { kind: 'SC', attributes: { '00080060': element('CS', 'OT') } }));
    const row = await daemon.reaches(studyOf(file), 'delivered');
    assert.equal(row.films.length, 1);
    await until('its jobs have ended', async () => {
      const jobs = (await pusher.rest('/jobs?expand')) as { State: string }[];
      assert.ok(jobs.every(({ State }) => State !== 'Failure'));
      return jobs.length > 0 && jobs.every(({ State }) => State === 'Success');
    });
  } finally {
    await pusher.stop();
  }
});

test('a study that the archive does not show (deleted, not there yet) is looked for again, with the reason', {
  skip,
}, async () => {
  const study = '2.25.753000';
  const answer = await fetch(`${daemon.url}/api/studies/${study}`, {
    method: 'POST',
    body: JSON.stringify({ source: 'north', priority: 'stat' }),
  });
  assert.equal(answer.status, 202);
  await answer.body?.cancel();
  await until('it says why', async () => {
    const row = await daemon.study(study);
    return row?.state === 'queued' && row.reason?.code === 'study.not-in-pacs';
  });
});
