import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { crashContract, readerCrash } from '../../test/contracts/crashes.ts';
import { ledgerContract } from '../../test/contracts/ledger.ts';
import { delivered, queuedStudies, readWell } from '../../test/contracts/queue.ts';
import { received, study } from '../../test/contracts/studies.ts';
import { type PostgresPeer, postgresIsInstalled, startPostgres } from '../../test/peers/postgres.ts';
import { until } from '../../test/peers/process.ts';
import { DeepHealthError } from '../errors/error.ts';
import { embeddedQueue } from '../queue/embedded.ts';
import { tendQueue } from '../queue/tend.ts';
import { openLedger } from './ledger.ts';
import type { Ledger } from './types.ts';

if (!postgresIsInstalled()) {
  test('PostgreSQL', (t) => t.skip('PostgreSQL is not installed'));
} else {
  let server: PostgresPeer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.remove());

  const urls = new Map<Ledger, string>();

  ledgerContract('PostgreSQL', async (clock, beside) => {
    const url = (beside && urls.get(beside)) ?? (await server.database());
    const ledger = await openLedger(url, { now: clock.now });
    urls.set(ledger, url);
    return ledger;
  });

  crashContract('PostgreSQL', () => server.database());

  test('a server that stops and starts under work: calls fail as transient, then go on', async () => {
    const ledger = await openLedger(await server.database());
    const codes = new Set<string>();
    let number = 0;
    let going = true;
    const noticed: number[] = [];
    async function work(): Promise<void> {
      while (going) {
        number += 1;
        const own = number;
        try {
          await ledger.studies.notice(received(own));
          noticed.push(own);
        } catch (error) {
          assert.ok(error instanceof DeepHealthError, String(error));
          assert.notEqual(error.retry, 'permanent', error.code);
          codes.add(error.code);
          await sleep(50);
        }
      }
    }
    const workers = [work(), work(), work()];
    await until('work has begun', async () => noticed.length > 10);
    await server.stop('immediate');
    await assert.rejects(ledger.check(), { code: 'ledger.unreachable' });
    await server.start();
    const before = noticed.length;
    await until('work goes on', async () => noticed.length > before + 10);
    await server.restart();
    const again = noticed.length;
    await until('work goes on', async () => noticed.length > again + 10);
    going = false;
    await Promise.all(workers);
    assert.ok(codes.has('ledger.unreachable'), [...codes].join(' '));
    for (const each of noticed) assert.ok(await ledger.studies.get(study(each)), `study ${each} is lost`);
    await ledger.close();
  });

  test('a server that is not there, and one that refuses us, have their codes', async () => {
    await assert.rejects(openLedger('postgres://test@127.0.0.1:1/none'), { code: 'ledger.unreachable' });
    await assert.rejects(openLedger(server.url.replace(/[^/]*$/, 'missing')), {
      code: 'ledger.access-denied',
    });
  });

  test('work on the embedded queue over PostgreSQL outlives a restart of the server', async () => {
    const ledger = await openLedger(await server.database());
    const queue = embeddedQueue({ ledger, worker: 'reader-1', pollMs: 100, leaseMs: 2000 });
    await queue.consume(
      async (claim) => {
        await sleep(50);
        await readWell(ledger, claim);
      },
      { concurrency: 2, onError: () => undefined },
    );
    await queuedStudies(ledger, 1, 30);
    await until('work has begun', async () => (await delivered(ledger)) >= 3);
    await server.stop('fast');
    await until('it is noticed', async () => !queue.ready());
    await server.start();
    await until(
      'all are read',
      async () => {
        await tendQueue(ledger, queue);
        return (await delivered(ledger)) === 30;
      },
      60_000,
    );
    await queue.close();
    await ledger.close();
  });

  readerCrash('embedded queue on PostgreSQL', async () => ({
    ledger: await server.database(),
    queue: 'embedded',
    prefix: '',
  }));
}
