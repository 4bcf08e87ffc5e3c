/** A backup made while the service runs; another machine goes on from it without loss or doubles. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { until } from '../peers/process.ts';
import { film, pacsConfig, resultsIn, type StudyRow, startDaemon, studyOf } from './daemon.ts';

const skip = orthancInstalled() ? false : 'Orthanc is not installed';
const PROGRAM = fileURLToPath(new URL('../../bin/deep-health.mjs', import.meta.url));

const uids = (row: StudyRow | undefined) => row?.objects.map(({ kind, uid }) => `${kind} ${uid}`).sort();

test('a restored service delivers what waited, under the same UIDs, and nothing twice', {
  skip,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dh-backup-'));
  const restored = join(folder, 'restored');
  const orthanc = await startOrthanc();
  const first = await startDaemon({ config: { pacs: [pacsConfig(orthanc)] } });
  let second: Awaited<ReturnType<typeof startDaemon>> | undefined;
  try {
    const [done, waits] = [film(9101), film(9102)];
    await first.push(done);
    const delivered = await first.reaches(studyOf(done), 'delivered');
    await orthanc.halt();
    await first.push(waits);
    const reported = await first.reaches(studyOf(waits), 'reported');

    const child = spawn(process.execPath, [
      ...[PROGRAM, 'studies', 'backup', join(folder, 'backup'), '--json'],
      ...['--config', join(first.folder, 'deep-health.yaml')],
    ]);
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(said), { backup: join(folder, 'backup'), ledger: 'ledger.sqlite', films: 2 });
    await first.end('SIGKILL');

    await cp(join(folder, 'backup'), restored, { recursive: true });
    second = await startDaemon({ folder: restored, config: { pacs: [pacsConfig(orthanc)] } });
    await orthanc.start();
    const after = await second.reaches(studyOf(waits), 'delivered');
    assert.deepEqual(uids(after), uids(reported));
    assert.deepEqual(uids(await second.study(studyOf(done))), uids(delivered));
    const { reports, heatmaps } = await resultsIn(orthanc, studyOf(waits));
    assert.deepEqual([reports.length, heatmaps.length], [2, 1]);
    assert.equal((await resultsIn(orthanc, studyOf(done))).reports.length, 2);
    // What came after the backup is sent again by its sender, and lands on itself.
    await second.push(done);
    await until('nothing is read again', async () => (await second?.study(studyOf(done)))?.run === 1);
    assert.deepEqual(uids(await second.study(studyOf(done))), uids(delivered));
  } finally {
    await second?.remove();
    await first.remove();
    await orthanc.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
