import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataFolder, openDataFolder } from '../src/intake/data-folder.ts';
import { openLedger } from '../src/ledger/ledger.ts';
import type { Ledger } from '../src/ledger/types.ts';
import { openQueue } from '../src/queue/open.ts';
import type { Queue } from '../src/queue/types.ts';
import { postgresIsInstalled, startPostgres } from '../test/peers/postgres.ts';
import { rabbitmqIsInstalled, startRabbitmq } from '../test/peers/rabbitmq.ts';
import { inferenceMs } from './bare.ts';
import { MODEL } from './model.ts';
import { type BenchOptions, ms, type Row, rate } from './row.ts';
import { median, ownProcessorMs } from './timing.ts';
import { startWay } from './way.ts';

/** What the memory of the service costs a study, with both kinds of ledger and queue. */
export async function benchRecords({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  const count = quick ? 10 : 150;
  const infer = await inferenceMs(MODEL, quick ? 3 : 20);
  const folder = await mkdtemp(join(tmpdir(), 'deep-health-records-'));
  try {
    const ledger = await openLedger(join(folder, 'ledger.sqlite'));
    const queue = await openQueue('embedded', { ledger, worker: 'bench' });
    const files = await openDataFolder(folder);
    tellCost('SQLite, embedded queue', await cost(ledger, queue, count, files), { count, infer, tell });
    await queue.close();
    await ledger.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (!postgresIsInstalled() || !rabbitmqIsInstalled()) {
    tell({
      what: 'PostgreSQL, RabbitMQ',
      measured: 'not measured',
      baseline: 'PostgreSQL or RabbitMQ is not installed',
      value: null,
    });
    return;
  }
  const postgres = await startPostgres();
  try {
    const broker = await startRabbitmq();
    try {
      const ledger = await openLedger(postgres.url);
      const queue = await openQueue(broker.url, { ledger, worker: 'bench' });
      tellCost('PostgreSQL, RabbitMQ', await cost(ledger, queue, count), { count, infer, tell });
      await queue.close();
      await ledger.close();
    } finally {
      await broker.remove();
    }
  } finally {
    await postgres.remove();
  }
}

interface Cost {
  /** One study after the other: milliseconds from the notice to the last delivery recorded. */
  readonly wallMs: number;
  /** Processor milliseconds of this process a study. */
  readonly cpuMs: number;
  /** Eight studies side by side. */
  readonly perSecond: number;
}

/** Every step of a study's way through ledger and queue, with a heat map's bytes, and nothing else. */
async function cost(ledger: Ledger, queue: Queue, count: number, folder?: DataFolder): Promise<Cost> {
  const way = await startWay(ledger, queue, folder);
  for (let n = 0; n < 5; n += 1) await way.walk(n);
  const walls: number[] = [];
  const before = ownProcessorMs();
  for (let n = 0; n < count; n += 1) {
    const began = performance.now();
    await way.walk(1000 + n);
    walls.push(performance.now() - began);
  }
  const cpuMs = (ownProcessorMs() - before) / count;
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < count) {
        next += 1;
        await way.walk(100_000 + next);
      }
    }),
  );
  const perSecond = (count * 1000) / (performance.now() - began);
  await way.stop();
  return { wallMs: median(walls), cpuMs, perSecond };
}

function tellCost(
  what: string,
  { wallMs, cpuMs, perSecond }: Cost,
  { count, infer, tell }: { count: number; infer: number; tell: (row: Row) => void },
): void {
  tell({
    what: `${what}: one study from notice to delivered, nothing else done`,
    measured: `${ms(wallMs)}, ${ms(cpuMs)} of it this process’s processor time`,
    baseline: `${ms(infer)}: one inference alone`,
    value: wallMs / infer,
    note: `median of ${count} studies with a heat map of 2.5 MB and three deliveries; every step is on disk before the next`,
  });
  tell({
    what: `${what}: eight studies side by side`,
    measured: rate(perSecond, 'studies'),
    baseline: `${rate(1000 / infer)} inferred one by one`,
    value: (perSecond * infer) / 1000,
  });
}
