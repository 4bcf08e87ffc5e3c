/**
 * The power is cut: the data folder lies on a real ext4 that drops whatever was not synced (no data, no journal)
 * at that instant. What was acknowledged, and what was sent, is there after the next start.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { until } from '../peers/process.ts';
import { fileFrom, film, pacsConfig, resultsIn, startDaemon, studyOf, type TestDaemon } from './daemon.ts';
import { type CuttableDisk, makeDisk, whyNoDisk } from './power-loss/disk.ts';

const EATMYDATA = '/usr/lib/x86_64-linux-gnu/libeatmydata.so';
const why = whyNoDisk();

/** Its ledger and data folder on the disk, in folders that it makes itself. */
function onDisk(disk: CuttableDisk, more: object = {}) {
  const folder = join(disk.path, 'srv', 'deep-health');
  return {
    outbox: join(folder, 'outbox'),
    config: { ledger: join(folder, 'ledger.sqlite'), storage: { folder }, ...more },
  };
}

async function cutPower(disk: CuttableDisk, daemon: TestDaemon): Promise<void> {
  await disk.cut();
  await daemon.end('SIGKILL');
  await disk.mountAgain();
}

async function acknowledged(daemon: TestDaemon, file: Uint8Array): Promise<void> {
  const answer = await daemon.push(file);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
}

test('the power is cut when a push was answered: every acknowledged film is read after the start', {
  skip: why ?? false,
}, async (t) => {
  const disk = await makeDisk();
  const { config, outbox } = onDisk(disk);
  const daemon = await startDaemon({ config });
  t.after(async () => {
    await daemon.remove();
    await disk.remove();
  });
  const files = [1101, 1102, 1103].map((seed) => film(seed));
  for (const file of files) await acknowledged(daemon, file);
  await cutPower(disk, daemon);
  await daemon.start();
  for (const file of files) {
    await daemon.reaches(studyOf(file), 'delivered');
    assert.equal((await readdir(join(outbox, studyOf(file)))).length, 4, 'two reports, heat map, message');
  }
  // What was written to the outbox is safe once the ledger calls it sent.
  await cutPower(disk, daemon);
  await daemon.start();
  for (const file of files) {
    assert.equal((await daemon.study(studyOf(file)))?.state, 'delivered');
    assert.equal((await readdir(join(outbox, studyOf(file)))).length, 4);
  }
});

test('the power is cut when a report reached the PACS: the same bytes are known after the start', {
  skip: why ?? (orthancInstalled() ? false : 'Orthanc is not installed'),
}, async (t) => {
  const disk = await makeDisk();
  const orthanc = await startOrthanc();
  const daemon = await startDaemon({ config: onDisk(disk, { pacs: [pacsConfig(orthanc)] }).config });
  t.after(async () => {
    await daemon.remove();
    await disk.remove();
    await orthanc.stop();
  });
  const file = film(1111);
  await acknowledged(daemon, file);
  await until('a report is in the archive', async () => {
    return (await resultsIn(orthanc, studyOf(file))).reports.length > 0;
  });
  await cutPower(disk, daemon);
  await daemon.start();
  const row = (await daemon.reaches(studyOf(file), 'delivered')) as unknown as {
    objects: { kind: string; uid: string; sha256: string }[];
  };
  const { reports, heatmaps } = await resultsIn(orthanc, studyOf(file));
  assert.equal(reports.length + heatmaps.length, 3);
  for (const uid of [...reports, ...heatmaps]) {
    const digest = createHash('sha256')
      .update(await fileFrom(orthanc, uid))
      .digest('hex');
    assert.equal(digest, row.objects.find((object) => object.uid === uid)?.sha256);
  }
});

test('without syncing, the same cut loses what was acknowledged: these tests can fail', {
  skip: why ?? (existsSync(EATMYDATA) ? false : 'eatmydata is not installed'),
}, async (t) => {
  const disk = await makeDisk();
  const daemon = await startDaemon({ config: onDisk(disk).config, env: { LD_PRELOAD: EATMYDATA } });
  t.after(async () => {
    await daemon.remove();
    await disk.remove();
  });
  const file = film(1121);
  await acknowledged(daemon, file);
  await cutPower(disk, daemon);
  await daemon.start();
  assert.equal(await daemon.study(studyOf(file)), undefined);
});
