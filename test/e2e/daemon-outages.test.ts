/**
 * PACS, RIS, broker and database each stopped for a while and started again under work: everything ends
 * delivered and the service is never restarted.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { type PostgresPeer, postgresIsInstalled, startPostgres } from '../peers/postgres.ts';
import { until } from '../peers/process.ts';
import { type RabbitmqPeer, rabbitmqIsInstalled, startRabbitmq } from '../peers/rabbitmq.ts';
import { type Ris, risInstalled, startRis } from '../peers/ris.ts';
import { film, pacsConfig, resultsIn, risConfig, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const missing = !orthancInstalled()
  ? 'Orthanc'
  : !postgresIsInstalled()
    ? 'PostgreSQL'
    : !rabbitmqIsInstalled()
      ? 'RabbitMQ'
      : !risInstalled()
        ? 'python3-hl7'
        : undefined;
const skip = missing === undefined ? false : `${missing} is not installed`;

let orthanc: Orthanc;
let postgres: PostgresPeer;
let rabbitmq: RabbitmqPeer;
let ris: Ris;
let daemon: TestDaemon;
let process: number | undefined;

before(async () => {
  if (skip !== false) return;
  [orthanc, postgres, rabbitmq, ris] = await Promise.all([
    startOrthanc(),
    startPostgres(),
    startRabbitmq(),
    startRis(),
  ]);
  daemon = await startDaemon({
    config: {
      pacs: [pacsConfig(orthanc, { timeout: '5 s' })],
      ris: [risConfig(ris, { acknowledgeTimeout: '2 s' })],
      ledger: postgres.url,
      queue: rabbitmq.url,
    },
  });
  process = daemon.child.pid;
});

after(async () => {
  await daemon?.remove();
  await Promise.all([ris?.stop(), orthanc?.stop(), postgres?.remove(), rabbitmq?.remove()]);
});

async function pushed(seed: number): Promise<string> {
  const file = film(seed);
  const answer = await daemon.push(file);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  return studyOf(file);
}

async function checkDelivered(...studies: readonly string[]): Promise<void> {
  for (const study of studies) {
    await daemon.reaches(study, 'delivered');
    assert.equal((await resultsIn(orthanc, study)).reports.length, 2);
    const messages = (await ris.received()).filter(({ text, accepted }) => accepted && text.includes(study));
    assert.equal(new Set(messages.map(({ controlId }) => controlId)).size, 1);
  }
  assert.equal(daemon.child.pid, process, 'it is still the same process');
}

async function problems(): Promise<readonly string[]> {
  return ((await daemon.api('/readyz')) as { problems: string[] }).problems;
}

test('the RIS is away: the PACS gets its reports all the same, the message follows later', {
  skip,
}, async () => {
  const before = await pushed(801);
  await daemon.reaches(before, 'delivered');
  await ris.halt();
  const during = await pushed(802);
  await until('the reports are stored', async () => (await resultsIn(orthanc, during)).reports.length === 2);
  await until('an attempt at the RIS failed', async () => {
    const row = await daemon.study(during);
    return (
      row?.deliveries.some(({ destination, attempts }) => destination === 'ris' && attempts > 0) === true
    );
  });
  assert.equal((await daemon.study(during))?.state, 'reported');
  await ris.start();
  await checkDelivered(before, during);
});

test('the PACS is away: no message leaves before its reports are stored', { skip }, async () => {
  await orthanc.halt();
  const during = await pushed(811);
  await until('an attempt at the PACS failed', async () => {
    const row = await daemon.study(during);
    return (
      row?.deliveries.some(({ destination, attempts }) => destination === 'orthanc' && attempts > 1) === true
    );
  });
  assert.ok(!(await ris.received()).some(({ text }) => text.includes(during)));
  const row = await daemon.study(during);
  assert.ok(row?.deliveries.some(({ destination, waiting }) => destination === 'ris' && waiting));
  await orthanc.start();
  await checkDelivered(during);
});

test('the broker is away: pushes are taken, and read when it is back', { skip }, async () => {
  await rabbitmq.stop('kill');
  await until('readiness says so', async () => (await problems()).includes('queue.unreachable'));
  const during = await pushed(821);
  await until('it waits in the ledger', async () => (await daemon.study(during))?.state === 'queued');
  await rabbitmq.start();
  await checkDelivered(during, await pushed(822));
  await until('it is ready', async () => (await problems()).length === 0);
});

test('the database is away: a push is refused, none is lost, and it goes on by itself', {
  skip,
}, async () => {
  const before = await pushed(831);
  await postgres.stop('immediate');
  await until('readiness says so', async () => (await problems()).includes('ledger.unreachable'));
  assert.deepEqual(await daemon.api('/livez').then((alive) => (alive as { alive: boolean }).alive), true);
  const refused = film(832);
  const answer = await daemon.push(refused);
  assert.notEqual(answer.status, 200);
  await answer.body?.cancel();
  await sleep(500);
  await postgres.start();
  await until('it is ready', async () => (await problems()).length === 0);
  const again = await daemon.push(refused);
  assert.equal(again.status, 200);
  await again.body?.cancel();
  await checkDelivered(before, studyOf(refused));
});
