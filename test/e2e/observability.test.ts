/** What can be asked while peers are down: liveness, readiness with its reasons, metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExposition } from '../peers/exposition.ts';
import { freePort } from '../peers/ports.ts';
import { postgresIsInstalled, startPostgres } from '../peers/postgres.ts';
import { until } from '../peers/process.ts';
import { film, startDaemon, studyOf } from './daemon.ts';

interface Readiness {
  readonly ready: boolean;
  readonly problems: readonly string[];
  readonly why: readonly { readonly code: string; readonly meaning: string; readonly remedy: string }[];
}

test('peers that are away keep nobody from living and being ready; a database that is away is told with its remedy', {
  skip: postgresIsInstalled() ? false : 'PostgreSQL is not installed',
}, async () => {
  const postgres = await startPostgres();
  const closed = await freePort();
  const daemon = await startDaemon({
    config: {
      ledger: postgres.url,
      pacs: [{ name: 'away', url: `http://127.0.0.1:${closed}/`, poll: { schedule: '* * * * * *' } }],
      ris: [{ name: 'ris', host: '127.0.0.1', port: closed }],
    },
  });
  const statusOf = async (path: string) => {
    const answer = await fetch(daemon.url + path);
    await answer.body?.cancel();
    return answer.status;
  };
  const readiness = async () => (await daemon.api('/readyz')) as Readiness;
  const metrics = async () => parseExposition(await (await fetch(`${daemon.url}/metrics`)).text());
  try {
    const one = film(9301);
    await daemon.push(one);
    await daemon.reaches(studyOf(one), 'reported');
    assert.deepEqual([await statusOf('/livez'), await statusOf('/readyz')], [200, 200]);
    assert.deepEqual(await readiness(), { ready: true, problems: [], why: [] });
    await until('the age of what waits is told', async () => {
      const samples = (await metrics()).get('deephealth_delivery_oldest_pending_seconds')?.samples ?? [];
      return samples.some(({ labels, value }) => labels.destination === 'away' && value > 0);
    });

    await postgres.stop('immediate');
    // Each is asked for itself, so one may be missed a moment before the other.
    await until('readiness says no to both', async () => (await readiness()).problems.length === 2);
    assert.equal(await statusOf('/readyz'), 503);
    assert.equal(await statusOf('/livez'), 200);
    const { ready, problems, why } = await readiness();
    // The embedded queue is the ledger.
    assert.deepEqual([ready, problems], [false, ['ledger.unreachable', 'queue.unreachable']]);
    assert.match(why[0]?.meaning ?? '', /database/);
    assert.match(why[0]?.remedy ?? '', /Start the database/);
    const families = await metrics();
    assert.equal(families.get('deephealth_model_info')?.samples.length, 1);
    assert.equal(families.get('deephealth_ready')?.samples[0]?.value, 0);

    await postgres.start();
    await until('it is ready by itself', async () => (await statusOf('/readyz')) === 200);
    await until('the ledger is measured again', async () => {
      const samples = (await metrics()).get('deephealth_studies')?.samples ?? [];
      return samples.some(({ labels, value }) => labels.state === 'reported' && value === 1);
    });
  } finally {
    await daemon.remove();
    await postgres.remove();
  }
});
