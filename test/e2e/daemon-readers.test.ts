/** Two readers, one intake and one deliverer over PostgreSQL and RabbitMQ: each study is read once, none is lost. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { type PostgresPeer, postgresIsInstalled, startPostgres } from '../peers/postgres.ts';
import { type RabbitmqPeer, rabbitmqIsInstalled, startRabbitmq } from '../peers/rabbitmq.ts';
import {
  EVERY_SECOND,
  film,
  pacsConfig,
  resultsIn,
  startDaemon,
  studyOf,
  type TestDaemon,
} from './daemon.ts';

const missing = !orthancInstalled()
  ? 'Orthanc'
  : !postgresIsInstalled()
    ? 'PostgreSQL'
    : !rabbitmqIsInstalled()
      ? 'RabbitMQ'
      : undefined;
const skip = missing === undefined ? false : `${missing} is not installed`;

let orthanc: Orthanc;
let postgres: PostgresPeer;
let rabbitmq: RabbitmqPeer;
let intake: TestDaemon;
let deliverer: TestDaemon;
let readers: TestDaemon[] = [];

before(async () => {
  if (skip !== false) return;
  [orthanc, postgres, rabbitmq] = await Promise.all([startOrthanc(), startPostgres(), startRabbitmq()]);
  const config = {
    pacs: [pacsConfig(orthanc, EVERY_SECOND)],
    ledger: postgres.url,
    queue: rabbitmq.url,
  };
  // Each has a data folder of its own: nothing but the ledger, the broker and the PACS is shared.
  [intake, deliverer, ...readers] = await Promise.all([
    startDaemon({ config, role: 'intake' }),
    startDaemon({ config, role: 'deliver' }),
    startDaemon({ config, role: 'read' }),
    startDaemon({ config, role: 'read' }),
  ]);
});

after(async () => {
  await Promise.all([intake, deliverer, ...readers].map((daemon) => daemon?.remove()));
  await Promise.all([orthanc?.stop(), postgres?.remove(), rabbitmq?.remove()]);
});

const readBy = (reader: TestDaemon) =>
  reader.log.filter(({ msg }) => msg === 'Read and reported').map(({ study }) => String(study));

test('two readers share the studies: each is read once and none is lost', {
  skip,
}, async () => {
  const files = Array.from({ length: 12 }, (_, index) => film(701 + index));
  for (const [index, file] of files.entries()) {
    const path = join(intake.folder, `film-${index}.dcm`);
    await writeFile(path, file);
    await orthanc.storeScu([path]);
  }
  for (const file of files) await intake.reaches(studyOf(file), 'delivered');
  const [one, two] = readers;
  assert.ok(one !== undefined && two !== undefined);
  const read = [...readBy(one), ...readBy(two)];
  assert.equal(read.length, files.length, 'every study was read once');
  assert.equal(new Set(read).size, files.length);
  assert.ok(readBy(one).length > 0 && readBy(two).length > 0, 'both took part');
  for (const file of files) {
    const row = await intake.study(studyOf(file));
    assert.equal(row?.events.filter(({ kind }) => kind === 'reported').length, 1);
    assert.equal((await resultsIn(orthanc, studyOf(file))).reports.length, 2);
  }
});

test('a reader is killed with studies in hand: the other one reads them', { skip }, async () => {
  const [one, two] = readers;
  assert.ok(one !== undefined && two !== undefined);
  const files = Array.from({ length: 6 }, (_, index) => film(731 + index));
  for (const [index, file] of files.entries()) {
    const path = join(intake.folder, `film-${100 + index}.dcm`);
    await writeFile(path, file);
    await orthanc.storeScu([path]);
  }
  // Killed in the middle of its first study, then gone for good.
  await one.end();
  await one.start({ DEEP_HEALTH_STOP_AT: 'reading.fetched' });
  await Promise.race([one.ended(), ...files.map((file) => intake.reaches(studyOf(file), 'delivered'))]);
  for (const file of files) await intake.reaches(studyOf(file), 'delivered');
  for (const file of files) assert.equal((await resultsIn(orthanc, studyOf(file))).reports.length, 2);
});
