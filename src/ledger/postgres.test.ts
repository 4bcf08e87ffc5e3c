import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { crashContract, readerCrash } from '../../test/contracts/crashes.ts';
import { ledgerContract } from '../../test/contracts/ledger.ts';
import { delivered, queuedStudies, readWell } from '../../test/contracts/queue.ts';
import { film, received, report, study, WORKER } from '../../test/contracts/studies.ts';
import { type PostgresPeer, postgresIsInstalled, startPostgres } from '../../test/peers/postgres.ts';
import { until } from '../../test/peers/process.ts';
import { DeepHealthError } from '../errors/error.ts';
import { embeddedQueue } from '../queue/embedded.ts';
import { tendQueue } from '../queue/tend.ts';
import { openLedger } from './ledger.ts';
import { lookAtLedger } from './look.ts';
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

  test('a ledger of a later version is told as one, whatever became of its tables', async () => {
    const url = await server.database();
    await (await openLedger(url)).close();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("insert into schema_migrations values (999, 'future', 0)");
    await client.query('drop table delivery_waits, deliveries');
    await client.end();
    await assert.rejects(lookAtLedger(url), { code: 'ledger.schema-newer' });
    await assert.rejects(openLedger(url), { code: 'ledger.schema-newer' });
  });

  test('a claim that is made while the study is redirected: one of the two has the delivery', async () => {
    const url = await server.database();
    const [one, other] = await Promise.all([openLedger(url), openLedger(url)]);
    try {
      for (let number = 1; number <= 40; number += 1) {
        await one.studies.notice(received(number));
        await one.studies.settle(study(number));
        const claim = await one.claims.claim({ studyUid: study(number), run: 1 }, WORKER);
        assert.equal(claim.kind, 'claimed');
        if (claim.kind === 'claimed') await one.claims.report(claim.claim, report(number));
        const [held, { heldBy, givenUp }] = await Promise.all([
          other.deliveries.claim({ destination: 'pacs', worker: 'sender', leaseMs: 60_000 }),
          one.deliveries.redirect(study(number), 'pacs', null),
        ]);
        assert.deepEqual(
          [heldBy, givenUp.length],
          held === undefined ? [undefined, 3] : ['sender', 0],
          `study ${number}`,
        );
        if (held !== undefined) await other.deliveries.sent(held);
        await one.deliveries.redirect(study(number), 'pacs', null);
      }
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

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

  test('a line that breaks while the schema is committed: the start looks again and goes on', async () => {
    const url = new URL(await server.database());
    let cuts = 0;
    const proxy = createServer((client) => {
      const upstream = connect(Number(url.port), url.hostname);
      const end = () => {
        client.destroy();
        upstream.destroy();
      };
      client.on('data', (bytes) => {
        // A simple query; connecting speaks of commits too.
        if (cuts < 2 && /Q.{4}commit\0/is.test(bytes.toString('latin1'))) {
          cuts += 1;
          end();
        } else upstream.write(bytes);
      });
      upstream.on('data', (bytes) => client.write(bytes));
      for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const through = new URL(url);
    through.port = String((proxy.address() as AddressInfo).port);
    try {
      const ledger = await openLedger(through.href);
      assert.equal(cuts, 2);
      await ledger.studies.notice(received(1));
      assert.ok(await ledger.studies.get(study(1)));
      await ledger.close();
    } finally {
      proxy.close();
    }
  });

  test('a database whose transactions are serializable by default is worked in all the same', async () => {
    const url = await server.database();
    const client = new pg.Client(url);
    await client.connect();
    const name = new URL(url).pathname.slice(1);
    await client.query(`alter database "${name}" set default_transaction_isolation = 'serializable'`);
    await client.end();
    const ledgers = await Promise.all([openLedger(url), openLedger(url)]);
    const side = (n: number) => ledgers[n % 2] as Ledger;
    try {
      // The same studies from both sides at once, then readers and senders who want the same.
      await Promise.all(
        Array.from({ length: 120 }, (_, n) =>
          side(n).studies.notice(received(n % 12, { instances: [film(n)], settleAt: 0 })),
        ),
      );
      await Promise.all(ledgers.map((ledger) => ledger.studies.settleDue()));
      const claims = await Promise.all(
        Array.from({ length: 24 }, (_, n) => side(n).claims.claimNext({ ...WORKER, worker: `reader-${n}` })),
      );
      const held = claims.filter((claim) => claim !== undefined);
      assert.equal(new Set(held.map(({ studyUid }) => studyUid)).size, 12);
      assert.equal(held.length, 12);
      await Promise.all(held.map((claim, n) => side(n).claims.report(claim, report(n))));
      const taken = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          side(n).deliveries.claim({ destination: 'pacs', worker: `sender-${n}`, leaseMs: 60_000 }),
        ),
      );
      const ids = taken.flatMap((claim) => (claim === undefined ? [] : [claim.delivery.id]));
      assert.ok(ids.length > 0);
      assert.equal(new Set(ids).size, ids.length, 'nobody has what another has');
    } finally {
      await Promise.all(ledgers.map((ledger) => ledger.close()));
    }
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
