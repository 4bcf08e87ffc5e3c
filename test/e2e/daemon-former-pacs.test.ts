/** Results whose PACS was taken out of the configuration: seen everywhere, ended by a person only. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openLedger } from '../../src/ledger/ledger.ts';
import { parseExposition } from '../peers/exposition.ts';
import { freePort } from '../peers/ports.ts';
import { until } from '../peers/process.ts';
import { type Ris, risInstalled, startRis } from '../peers/ris.ts';
import { film, risConfig, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

const skip = risInstalled() ? false : 'python3-hl7 is not installed';
const PROGRAM = fileURLToPath(new URL('../../bin/deep-health.mjs', import.meta.url));

let ris: Ris;
let daemon: TestDaemon;
before(async () => {
  if (skip !== false) return;
  ris = await startRis();
  // Nobody listens there.
  const former = { name: 'former', url: `http://127.0.0.1:${await freePort()}/dicom-web` };
  daemon = await startDaemon({ config: { pacs: [former], ris: [risConfig(ris)] } });
});
after(async () => {
  await daemon?.remove();
  await ris?.stop();
});

async function deepHealth(...args: readonly string[]) {
  const config = join(daemon.folder, 'deep-health.yaml');
  const child = spawn(process.execPath, [PROGRAM, ...args, '--json', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, said, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  const lines = out.split('\n').filter((line) => line.startsWith('{'));
  return { code: code as number, said, lines: lines.map((line) => JSON.parse(line)) };
}

interface Row {
  readonly name: string;
  readonly via: string | null;
  readonly pending: number;
}

async function shown(name: string): Promise<Row | undefined> {
  const { destinations } = (await daemon.api('/api/health')) as { destinations: Row[] };
  return destinations.find((row) => row.name === name);
}

async function stranded() {
  const answer = await fetch(`${daemon.url}/metrics`);
  const families = parseExposition(await answer.text());
  return families.get('deephealth_deliveries_without_destination')?.samples;
}

const ledgerProbe = async () =>
  (await deepHealth('config', 'check', '--probe')).lines.find(({ probe }) => probe === 'ledger');

test('what waits for a PACS that is not configured any more is seen, and goes where a person says', {
  skip,
}, async () => {
  const [one, other] = [film(981), film(982)];
  await (await daemon.push(one, other)).body?.cancel();
  for (const each of [one, other]) await daemon.reaches(studyOf(each), 'reported');
  assert.equal((await ledgerProbe())?.outcome, 'ok', 'it is away, and configured');
  assert.deepEqual(await stranded(), []);

  await daemon.configure({ ris: [risConfig(ris)] });
  daemon.child.kill('SIGHUP');
  await until('the log says so', async () =>
    daemon.log.some(
      ({ code, destination, pending }) =>
        code === 'delivery.no-destination' && destination === 'former' && pending === 6,
    ),
  );
  assert.deepEqual(await shown('former').then((row) => [row?.via, row?.pending]), [null, 6]);
  assert.equal((await shown('ris'))?.via, 'ris');
  await until('the metric says so', async () => (await stranded())?.[0]?.value === 6);
  const probed = await ledgerProbe();
  assert.equal(probed?.code, 'delivery.no-destination');
  assert.match(probed?.message, /6 for former/);
  const list = await deepHealth('studies', 'deliveries');
  assert.deepEqual(
    list.lines.map(({ destination, configured, pending }) => [destination, configured, pending]),
    [
      ['folder', true, 0],
      ['ris', true, 2],
      ['former', false, 6],
    ],
  );

  for (const wrong of [['former'], ['--give-up'], ['ris', '--give-up'], ['former', '--to', 'elsewhere']]) {
    assert.equal((await deepHealth('studies', 'deliveries', ...wrong)).code, 2, wrong.join(' '));
  }
  const unfit = await deepHealth('studies', 'deliveries', 'former', '--to', 'ris');
  assert.deepEqual([unfit.code, unfit.lines], [2, []]);
  assert.match(unfit.said, /made for a PACS/);
  assert.equal((await ris.received()).length, 0, 'no message announces a report that is nowhere');
  assert.equal((await shown('former'))?.pending, 6, 'nothing was touched');

  // A machine that has not been told yet is sending one of them.
  const ledger = await openLedger(join(daemon.folder, 'ledger.sqlite'));
  try {
    const held = await ledger.deliveries.claim({ destination: 'former', worker: 'away', leaseMs: 600_000 });
    assert.ok(held);
    const toFolder = () => deepHealth('studies', 'deliveries', 'former', '--to', 'folder');
    const refused = await toFolder();
    assert.equal(refused.code, 1, refused.said);
    assert.deepEqual(
      new Map(refused.lines.map(({ study, ...outcome }) => [study, outcome])),
      new Map(
        [one, other]
          .map(studyOf)
          .map((study) => [
            study,
            study === held.delivery.studyUid
              ? { moved: 0, givenUp: {}, heldBy: 'away' }
              : { moved: 3, givenUp: {} },
          ]),
      ),
    );
    await ledger.deliveries.putBack(held);
    const moved = await toFolder();
    assert.equal(moved.code, 0, moved.said);
    assert.deepEqual(moved.lines, [{ study: held.delivery.studyUid, moved: 3, givenUp: {} }]);
  } finally {
    await ledger.close();
  }
  for (const each of [one, other]) {
    await daemon.reaches(studyOf(each), 'delivered');
    const files = await readdir(join(daemon.folder, 'outbox', studyOf(each)));
    assert.equal(files.length, 3, files.join(' '));
    const messages = (await ris.received()).filter((message) => message.text.includes(studyOf(each)));
    assert.equal(messages.length, 1);
  }
  assert.equal(await shown('former'), undefined);
  assert.equal((await ledgerProbe())?.outcome, 'ok');
});
