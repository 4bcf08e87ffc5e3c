/**
 * Killed at every step (SIGKILL at named points, see src/reading/stop-points.ts) and started again: whatever was
 * acknowledged ends delivered, with one set of reports in the PACS and one message that the RIS keeps.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { StopPoint } from '../../src/reading/stop-points.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { type Ris, risInstalled, startRis } from '../peers/ris.ts';
import {
  EVERY_SECOND,
  film,
  pacsConfig,
  resultsIn,
  risConfig,
  startDaemon,
  studyOf,
  type TestDaemon,
} from './daemon.ts';

const missing = !orthancInstalled() ? 'Orthanc' : !risInstalled() ? 'python3-hl7' : undefined;
const skip = missing === undefined ? false : `${missing} is not installed`;

let orthanc: Orthanc;
let ris: Ris;
let daemon: TestDaemon;

before(async () => {
  if (skip !== false) return;
  orthanc = await startOrthanc();
  ris = await startRis();
  daemon = await startDaemon({ config: { pacs: [pacsConfig(orthanc)], ris: [risConfig(ris)] } });
});

after(async () => {
  await daemon?.remove();
  await ris?.stop();
  await orthanc?.stop();
});

const POINTS: readonly StopPoint[] = [
  'intake.on-disk',
  'intake.recorded',
  'reading.claimed',
  'reading.fetched',
  'reading.inferred',
  'reading.made',
  'reading.stored',
  'reading.recorded',
  'delivery.pacs-claimed',
  'delivery.pacs-sent',
  'delivery.pacs-recorded',
  'delivery.ris-claimed',
  'delivery.ris-sent',
  'delivery.ris-recorded',
];

async function checkOnce(study: string): Promise<void> {
  await daemon.reaches(study, 'delivered');
  const { reports, heatmaps } = await resultsIn(orthanc, study);
  assert.equal(new Set(reports).size, 2, 'one report of each profile');
  assert.equal(reports.length, 2);
  assert.equal(heatmaps.length, 1);
  const kept = (await ris.received()).filter(({ text, accepted }) => accepted && text.includes(study));
  assert.equal(new Set(kept.map(({ controlId }) => controlId)).size, 1, 'one message');
  assert.equal(kept.filter(({ duplicate }) => !duplicate).length, 1);
  assert.equal(new Set(kept.map(({ text }) => text)).size, 1, 'a repetition has the same content');
}

/** True when the sender was told that the film is kept. */
async function isAcknowledged(file: Uint8Array): Promise<boolean> {
  const answer = await daemon.push(file).catch(() => undefined);
  await answer?.body?.cancel().catch(() => {});
  return answer?.status === 200;
}

for (const [index, point] of POINTS.entries()) {
  test(`killed at ${point}: nothing is lost and nothing is reported twice`, { skip }, async () => {
    const file = film(401 + index);
    await daemon.end();
    await daemon.start({ DEEP_HEALTH_STOP_AT: point });
    const acknowledged = await isAcknowledged(file);
    assert.equal((await daemon.ended()).signal, 'SIGKILL', 'it was killed there');
    await daemon.start();
    // A sender without an answer sends again, whatever had become of it.
    if (!acknowledged) assert.ok(await isAcknowledged(file));
    await checkOnce(studyOf(file));
  });
}

test('killed when a polled study had settled: it is read after the start', { skip }, async () => {
  await daemon.end();
  await daemon.configure({ pacs: [pacsConfig(orthanc, EVERY_SECOND)], ris: [risConfig(ris)] });
  await daemon.start({ DEEP_HEALTH_STOP_AT: 'intake.settled' });
  const file = film(431);
  const path = join(daemon.folder, 'polled.dcm');
  await writeFile(path, file);
  await orthanc.storeScu([path]);
  assert.equal((await daemon.ended()).signal, 'SIGKILL');
  await daemon.start();
  await checkOnce(studyOf(file));
});

test('killed at any moment under a stream of pushes: every acknowledged study is delivered', {
  skip,
}, async () => {
  const acknowledged: string[] = [];
  await daemon.end();
  await daemon.start();
  for (let round = 0; round < 2; round += 1) {
    for (let number = 0; number < 4; number += 1) {
      const file = film(440 + round * 10 + number);
      const answer = await daemon.push(file).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.status === 200) acknowledged.push(studyOf(file));
      if (number === 2) daemon.child.kill('SIGKILL');
    }
    await daemon.ended();
    await daemon.start();
  }
  assert.ok(acknowledged.length >= 4);
  for (const study of acknowledged) await checkOnce(study);
});
