import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger, ReadingJob, StudyClaim } from '../../src/ledger/types.ts';
import { tendQueue } from '../../src/queue/tend.ts';
import type { Queue } from '../../src/queue/types.ts';
import { until } from '../peers/process.ts';
import { received, report, study } from './studies.ts';

/** A ledger of its own and the means to put queues on it; all of them are closed with it. */
export interface QueueBench {
  readonly ledger: Ledger;
  /** A further worker: a queue object with connections of its own. */
  queue(worker: string, options?: { leaseMs?: number }): Promise<Queue>;
  close(): Promise<void>;
}

export async function queuedStudies(ledger: Ledger, from: number, to: number, priority = 'routine' as const) {
  const jobs: ReadingJob[] = [];
  for (let number = from; number <= to; number += 1) jobs.push(await queuedStudy(ledger, number, priority));
  return jobs;
}

export async function queuedStudy(
  ledger: Ledger,
  number: number,
  priority: 'stat' | 'routine' = 'routine',
): Promise<ReadingJob> {
  await ledger.studies.notice(received(number, { priority }));
  const outcome = await ledger.studies.settle(study(number));
  assert.equal(outcome.kind, 'queued');
  return outcome.kind === 'queued' ? outcome.job : assert.fail();
}

/** Ends a study as a reader does that has nothing to deliver. */
export async function readWell(ledger: Ledger, claim: StudyClaim): Promise<void> {
  const number = Number(claim.studyUid.split('.').at(-1));
  await ledger.claims.report(claim, { ...report(number, claim.run), deliveries: [] });
}

export async function delivered(ledger: Ledger): Promise<number> {
  return (await ledger.studies.countByState()).delivered;
}

/** What every queue has to keep, whatever carries its jobs. */
export function queueContract(name: string, open: () => Promise<QueueBench>): void {
  function behaviour(sentence: string, body: (bench: QueueBench) => Promise<void>): void {
    test(sentence, async () => {
      const bench = await open();
      try {
        await body(bench);
      } finally {
        await bench.close();
      }
    });
  }

  describe(`${name}: work reaches the readers`, () => {
    behaviour('each published study is read once', async ({ ledger, queue }) => {
      const carried = await queue('reader-1');
      await carried.publish(await queuedStudies(ledger, 1, 20));
      const read: string[] = [];
      await carried.consume(
        async (claim) => {
          read.push(claim.studyUid);
          await readWell(ledger, claim);
        },
        { concurrency: 4 },
      );
      await until('all are read', async () => (await delivered(ledger)) === 20);
      assert.equal(read.length, 20);
      assert.equal(new Set(read).size, 20);
      await until('the queue is empty', async () => {
        const depth = await carried.depth();
        return depth.stat + depth.routine === 0;
      });
    });

    behaviour('stat studies are read before routine ones that came earlier', async ({ ledger, queue }) => {
      const carried = await queue('reader-1');
      await carried.publish(await queuedStudies(ledger, 1, 10));
      for (let number = 11; number <= 16; number += 1) {
        await carried.publish([await queuedStudy(ledger, number, 'stat')]);
      }
      await until('both wait', async () => {
        const depth = await carried.depth();
        return depth.stat === 6 && depth.routine === 10;
      });
      const order: string[] = [];
      await carried.consume(
        async (claim) => {
          order.push(claim.priority);
          // As long as a fast network takes; a broker hands out the next message meanwhile.
          await sleep(50);
          await readWell(ledger, claim);
        },
        { concurrency: 1 },
      );
      await until('all are read', async () => (await delivered(ledger)) === 16);
      // A broker may hand out one routine study before the first stat one has travelled.
      assert.equal(order.indexOf('stat') <= 1, true, order.join(' '));
      assert.equal(order.lastIndexOf('stat') <= 6, true, order.join(' '));
    });

    behaviour('no more studies are in work at once than was asked for', async ({ ledger, queue }) => {
      const carried = await queue('reader-1');
      await carried.publish(await queuedStudies(ledger, 1, 12));
      let working = 0;
      let most = 0;
      await carried.consume(
        async (claim) => {
          working += 1;
          most = Math.max(most, working);
          await sleep(20);
          await readWell(ledger, claim);
          working -= 1;
        },
        { concurrency: 3 },
      );
      await until('all are read', async () => (await delivered(ledger)) === 12);
      assert.equal(most, 3);
    });

    behaviour('a study announced three times is read once', async ({ ledger, queue }) => {
      const carried = await queue('reader-1');
      const jobs = await queuedStudies(ledger, 1, 5);
      await carried.publish([...jobs, ...jobs]);
      await carried.publish(jobs);
      let read = 0;
      await carried.consume(
        async (claim) => {
          read += 1;
          await readWell(ledger, claim);
        },
        { concurrency: 2 },
      );
      await until('all are read', async () => (await delivered(ledger)) === 5);
      await until('the doubles are gone', async () => {
        const depth = await carried.depth();
        return depth.stat + depth.routine === 0;
      });
      assert.equal(read, 5);
    });

    behaviour('what was recorded and never published is found', async ({ ledger, queue }) => {
      const carried = await queue('reader-1');
      await queuedStudies(ledger, 1, 8);
      await carried.consume((claim) => readWell(ledger, claim), { concurrency: 2 });
      await until('all are read', async () => {
        await tendQueue(ledger, carried);
        return (await delivered(ledger)) === 8;
      });
    });

    behaviour('a study settles, is carried and read without another word', async ({ ledger, queue }) => {
      const carried = await queue('reader-1');
      await ledger.studies.notice(received(1, { settleAt: Date.now() + 200 }));
      await carried.consume((claim) => readWell(ledger, claim), { concurrency: 2 });
      await until('it is read', async () => {
        await tendQueue(ledger, carried);
        return (await delivered(ledger)) === 1;
      });
    });
  });

  describe(`${name}: work that goes wrong`, () => {
    behaviour(
      'a study that failed for now comes back when it is due, not before',
      async ({ ledger, queue }) => {
        const carried = await queue('reader-1');
        await carried.publish([await queuedStudy(ledger, 1)]);
        const times: number[] = [];
        await carried.consume(
          async (claim) => {
            times.push(Date.now());
            if (claim.attempts < 2) {
              const reason = { code: 'web.away', message: 'm' };
              await ledger.claims.retryLater(claim, reason, Date.now() + 300);
            } else await readWell(ledger, claim);
          },
          { concurrency: 1 },
        );
        await until('it is read', async () => {
          await tendQueue(ledger, carried);
          return (await delivered(ledger)) === 1;
        });
        assert.equal(times.length, 3);
        for (const [index, time] of times.slice(1).entries()) {
          assert.ok(time - (times[index] ?? 0) >= 300, 'it came back before it was due');
        }
      },
    );

    behaviour('a reader that fails without a word loses the study to the next', async ({ ledger, queue }) => {
      const carried = await queue('reader-1', { leaseMs: 300 });
      await carried.publish([await queuedStudy(ledger, 1)]);
      const errors: unknown[] = [];
      let tries = 0;
      await carried.consume(
        async (claim) => {
          tries += 1;
          if (tries === 1) throw new Error('defect');
          await readWell(ledger, claim);
        },
        { concurrency: 1, onError: (error) => errors.push(error) },
      );
      await until('it is read', async () => {
        await tendQueue(ledger, carried);
        return (await delivered(ledger)) === 1;
      });
      assert.equal(tries, 2);
      assert.equal(String(errors[0]), 'Error: defect');
    });

    behaviour('a study at which every reader fails is parked with the reason', async ({ ledger, queue }) => {
      const carried = await queue('reader-1', { leaseMs: 100 });
      await carried.publish([await queuedStudy(ledger, 1)]);
      let tries = 0;
      await carried.consume(
        async () => {
          tries += 1;
          throw new Error('defect');
        },
        { concurrency: 1, onError: () => undefined },
      );
      await until('it is parked', async () => {
        await tendQueue(ledger, carried, { maxDeaths: 3 });
        return (await ledger.studies.countByState()).failed === 1;
      });
      assert.equal(tries, 3);
      assert.equal((await ledger.studies.get(study(1)))?.lastFailure?.code, 'queue.poison');
    });

    behaviour('a slow reader keeps its study', async ({ ledger, queue }) => {
      const first = await queue('reader-1', { leaseMs: 300 });
      const second = await queue('reader-2', { leaseMs: 300 });
      await first.publish([await queuedStudy(ledger, 1)]);
      let reads = 0;
      const handler = async (claim: StudyClaim) => {
        reads += 1;
        for (let rounds = 0; rounds < 8; rounds += 1) {
          await sleep(150);
          await tendQueue(ledger, first);
        }
        await readWell(ledger, claim);
      };
      await first.consume(handler, { concurrency: 1 });
      await second.consume(handler, { concurrency: 1 });
      await until('it is read', async () => (await delivered(ledger)) === 1);
      assert.equal(reads, 1);
    });

    behaviour('a reader is told when its study was taken away', async ({ ledger, queue }) => {
      const carried = await queue('reader-1', { leaseMs: 300 });
      await carried.publish([await queuedStudy(ledger, 1)]);
      const told = Promise.withResolvers<void>();
      await carried.consume(
        async (claim, signal) => {
          if (claim.run === 1) {
            signal.addEventListener('abort', () => told.resolve());
            await ledger.studies.reread(claim.studyUid);
            await told.promise;
          } else await readWell(ledger, claim);
        },
        { concurrency: 1 },
      );
      await told.promise;
      await until('the re-read is done', async () => {
        await tendQueue(ledger, carried);
        return (await delivered(ledger)) === 1;
      });
      assert.equal((await ledger.studies.get(study(1)))?.run, 2);
    });
  });

  describe(`${name}: several workers, and the end`, () => {
    behaviour('three workers share the work: none twice, none lost', async ({ ledger, queue }) => {
      const workers = [await queue('reader-1'), await queue('reader-2'), await queue('reader-3')];
      const [first] = workers;
      assert.ok(first);
      const read: string[] = [];
      const by = new Set<string>();
      for (const worker of workers) {
        await worker.consume(
          async (claim) => {
            read.push(claim.studyUid);
            by.add(claim.worker);
            await sleep(5);
            await readWell(ledger, claim);
          },
          { concurrency: 2 },
        );
      }
      await first.publish(await queuedStudies(ledger, 1, 60));
      await until('all are read', async () => {
        await tendQueue(ledger, first);
        return (await delivered(ledger)) === 60;
      });
      assert.equal(read.length, 60);
      assert.equal(new Set(read).size, 60);
      assert.equal(by.size, 3, 'each worker had its share');
    });

    behaviour(
      'a worker that stops ends what it has in hand and leaves the rest',
      async ({ ledger, queue }) => {
        const first = await queue('reader-1');
        const second = await queue('reader-2');
        await first.publish(await queuedStudies(ledger, 1, 10));
        const started = Promise.withResolvers<void>();
        let inHand = 0;
        const consumer = await first.consume(
          async (claim) => {
            inHand += 1;
            if (inHand === 2) started.resolve();
            await sleep(200);
            await readWell(ledger, claim);
          },
          { concurrency: 2 },
        );
        await started.promise;
        await consumer.stop();
        assert.equal(await delivered(ledger), 2);
        assert.equal((await ledger.studies.countByState()).reading, 0);
        await second.consume((claim) => readWell(ledger, claim), { concurrency: 2 });
        await until('the rest is read', async () => {
          await tendQueue(ledger, second);
          return (await delivered(ledger)) === 10;
        });
        assert.equal(inHand, 2);
      },
    );
  });
}
