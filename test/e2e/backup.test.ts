/** A backup made while the service runs; another machine goes on from it without loss or doubles. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { postgresIsInstalled, startPostgres } from '../peers/postgres.ts';
import { until } from '../peers/process.ts';
import { film, pacsConfig, resultsIn, type StudyRow, startDaemon, studyOf } from './daemon.ts';

const skip = orthancInstalled() ? false : 'Orthanc is not installed';
const PROGRAM = fileURLToPath(new URL('../../bin/deep-health.mjs', import.meta.url));

const uids = (row: StudyRow | undefined) => row?.objects.map(({ kind, uid }) => `${kind} ${uid}`).sort();

const run = promisify(execFile);

test('a restored service delivers what waited, under the same UIDs, and nothing twice', {
  skip,
}, async () => {
  await restoreElsewhere();
});

test('the same with a ledger on PostgreSQL, by its own tools', {
  skip: postgresIsInstalled() ? skip : 'PostgreSQL is not installed',
}, async () => {
  const postgres = await startPostgres();
  try {
    await restoreElsewhere({ from: postgres.url, to: await postgres.database() });
  } finally {
    await postgres.remove();
  }
});

/** Backup, SIGKILL, restore. Without databases the ledger is the one in the data folder. */
async function restoreElsewhere(databases?: { readonly from: string; readonly to: string }): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dh-backup-'));
  const restored = join(folder, 'restored');
  const dump = join(folder, 'ledger.dump');
  const orthanc = await startOrthanc();
  const configOf = (ledger: string | undefined) => ({
    pacs: [pacsConfig(orthanc)],
    ...(ledger !== undefined && { ledger }),
  });
  const first = await startDaemon({ config: configOf(databases?.from) });
  let second: Awaited<ReturnType<typeof startDaemon>> | undefined;
  try {
    const [done, waits] = [film(9101), film(9102)];
    await first.push(done);
    const delivered = await first.reaches(studyOf(done), 'delivered');
    await orthanc.halt();
    await first.push(waits);
    const reported = await first.reaches(studyOf(waits), 'reported');

    if (databases) await run('pg_dump', ['--format=custom', `--file=${dump}`, databases.from]);
    const child = spawn(process.execPath, [
      ...[PROGRAM, 'studies', 'backup', join(folder, 'backup'), '--json'],
      ...['--config', join(first.folder, 'deep-health.yaml')],
    ]);
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(said), {
      ...{ backup: join(folder, 'backup'), films: 2 },
      ledger: databases ? null : 'ledger.sqlite',
    });
    await first.end('SIGKILL');

    await cp(join(folder, 'backup'), restored, { recursive: true });
    if (databases) await run('pg_restore', ['--clean', '--if-exists', `--dbname=${databases.to}`, dump]);
    second = await startDaemon({ folder: restored, config: configOf(databases?.to) });
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
}
