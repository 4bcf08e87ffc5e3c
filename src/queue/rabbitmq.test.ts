import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { readerCrash } from '../../test/contracts/crashes.ts';
import {
  delivered,
  type QueueBench,
  queueContract,
  queuedStudies,
  queuedStudy,
  readWell,
} from '../../test/contracts/queue.ts';
import { study } from '../../test/contracts/studies.ts';
import { until } from '../../test/peers/process.ts';
import { type RabbitmqPeer, rabbitmqIsInstalled, startRabbitmq } from '../../test/peers/rabbitmq.ts';
import { DeepHealthError } from '../errors/error.ts';
import { openLedger } from '../ledger/ledger.ts';
import { rabbitmqQueue } from './rabbitmq.ts';
import { tendQueue } from './tend.ts';
import type { Queue } from './types.ts';

if (!rabbitmqIsInstalled()) {
  test('RabbitMQ', (t) => t.skip('RabbitMQ is not installed'));
} else {
  let broker: RabbitmqPeer;
  before(async () => {
    broker = await startRabbitmq();
  });
  after(() => broker.remove());

  async function bench(): Promise<QueueBench & { readonly prefix: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'dh-queue-'));
    const ledger = await openLedger(join(folder, 'ledger.sqlite'));
    const prefix = `test-${randomUUID()}`;
    const queues: Queue[] = [];
    return {
      ledger,
      prefix,
      async queue(worker, options = {}) {
        const queue = await rabbitmqQueue({
          ...{ url: broker.url, ledger, worker, prefix },
          ...{ lostAfterMs: 300, confirmMs: 5000 },
          ...options,
        });
        queues.push(queue);
        await until('the broker is reached', async () => queue.ready());
        return queue;
      },
      async close() {
        await Promise.all(queues.map((queue) => queue.close()));
        await ledger.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  }

  function behaviour(
    sentence: string,
    body: (bench: QueueBench & { readonly prefix: string }) => Promise<void>,
  ): void {
    test(sentence, async () => {
      const own = await bench();
      try {
        await body(own);
      } finally {
        await own.close();
      }
    });
  }

  queueContract('RabbitMQ', bench);

  describe('RabbitMQ: a broker that goes away', () => {
    behaviour('stopped under work and started again: everything is read, by itself', async (own) => {
      const { ledger } = own;
      const queue = await own.queue('reader-1', { leaseMs: 2000 });
      // RabbitMQ 3.10 forgets a quorum queue that was declared a moment before it is killed.
      await sleep(6000);
      const reads = new Map<string, number>();
      await queue.consume(
        async (claim) => {
          reads.set(claim.studyUid, (reads.get(claim.studyUid) ?? 0) + 1);
          await sleep(100);
          await readWell(ledger, claim);
        },
        { concurrency: 2, onError: () => undefined },
      );
      await queue.publish(await queuedStudies(ledger, 1, 20));
      await until('work has begun', async () => (await delivered(ledger)) >= 2);
      await broker.stop('kill');
      await until('it is noticed', async () => !queue.ready());
      await assert.rejects(
        queue.publish([await queuedStudy(ledger, 21)]),
        (error) => error instanceof DeepHealthError && error.retry === 'transient',
      );
      await assert.rejects(queue.depth(), DeepHealthError);
      // Studies go on coming in, and the rounds go on turning.
      await queuedStudies(ledger, 22, 30);
      await tendQueue(ledger, queue);
      await broker.start();
      await until(
        'all are read',
        async () => {
          await tendQueue(ledger, queue);
          return (await delivered(ledger)) === 30;
        },
        60_000,
      );
      assert.equal(reads.size, 30);
      assert.deepEqual([...reads.values()], Array(30).fill(1));
    });

    behaviour('connections cut under work: everything is read once', async (own) => {
      const { ledger } = own;
      const queue = await own.queue('reader-1');
      const reads: string[] = [];
      await queue.consume(
        async (claim) => {
          reads.push(claim.studyUid);
          await sleep(30);
          await readWell(ledger, claim);
        },
        { concurrency: 2, onError: () => undefined },
      );
      await queue.publish(await queuedStudies(ledger, 1, 40));
      await until('work has begun', async () => (await delivered(ledger)) >= 3);
      await broker.closeConnections();
      await until(
        'all are read',
        async () => {
          await tendQueue(ledger, queue);
          return (await delivered(ledger)) === 40;
        },
        60_000,
      );
      assert.equal(reads.length, 40);
    });

    behaviour('a queue object made while the broker is away works when it comes', async (own) => {
      await broker.stop();
      const { ledger } = own;
      const queue = await rabbitmqQueue({
        ...{ url: broker.url, ledger, worker: 'reader-1', prefix: own.prefix },
      });
      try {
        await queue.consume((claim) => readWell(ledger, claim), { concurrency: 1 });
        await queuedStudy(ledger, 1);
        await tendQueue(ledger, queue);
        assert.equal(queue.ready(), false);
        await broker.start();
        await until(
          'it is read',
          async () => {
            await tendQueue(ledger, queue);
            return (await delivered(ledger)) === 1;
          },
          60_000,
        );
      } finally {
        await queue.close();
      }
    });

    behaviour('messages that the broker lost are published anew', async (own) => {
      const { ledger } = own;
      const queue = await own.queue('reader-1');
      await queue.publish(await queuedStudies(ledger, 1, 5));
      const connection = await connect(broker.url);
      const channel = await connection.createChannel();
      await channel.purgeQueue(`${own.prefix}.routine`);
      await connection.close();
      await queue.consume((claim) => readWell(ledger, claim), { concurrency: 1 });
      await until('all are read', async () => {
        await tendQueue(ledger, queue);
        return (await delivered(ledger)) === 5;
      });
    });

    behaviour('a queue that an admin deleted is declared anew and its jobs published', async (own) => {
      const { ledger } = own;
      const queue = await own.queue('reader-1');
      await queue.publish(await queuedStudies(ledger, 1, 5));
      const connection = await connect(broker.url);
      const channel = await connection.createChannel();
      await channel.deleteQueue(`${own.prefix}.routine`);
      await connection.close();
      await assert.rejects(
        queue.publish([await queuedStudy(ledger, 6)]),
        (error) => error instanceof DeepHealthError && error.code === 'queue.unconfirmed',
        'a message that no queue took does not count as published',
      );
      await queue.consume((claim) => readWell(ledger, claim), {
        concurrency: 1,
        onError: () => undefined,
      });
      await until(
        'all are read',
        async () => {
          await tendQueue(ledger, queue);
          return (await delivered(ledger)) === 6;
        },
        60_000,
      );
    });
  });

  describe('RabbitMQ: messages that are not in order', () => {
    behaviour('what is not a job is put aside and the rest goes on', async (own) => {
      const { ledger } = own;
      const queue = await own.queue('reader-1');
      const connection = await connect(broker.url);
      const channel = await connection.createConfirmChannel();
      const nonsense = [
        '',
        'null',
        '{"study":"../..","run":1}',
        '{"study":"1.2","run":-1}',
        'x'.repeat(5000),
      ];
      for (const content of nonsense) channel.sendToQueue(`${own.prefix}.routine`, Buffer.from(content));
      await channel.waitForConfirms();
      await queue.publish([await queuedStudy(ledger, 1)]);
      const errors: string[] = [];
      await queue.consume((claim) => readWell(ledger, claim), {
        concurrency: 1,
        onError: (error) => errors.push(error instanceof DeepHealthError ? error.code : String(error)),
      });
      await until('it is read', async () => (await delivered(ledger)) === 1);
      await until('they are put aside', async () => {
        await tendQueue(ledger, queue);
        return (await channel.checkQueue(`${own.prefix}.unreadable`)).messageCount === nonsense.length;
      });
      await connection.close();
      assert.deepEqual(errors, Array(nonsense.length).fill('queue.message-unreadable'));
    });

    behaviour('a job that was handed out too often is published anew', async (own) => {
      const { ledger } = own;
      const queue = await own.queue('reader-1');
      await queue.publish([await queuedStudy(ledger, 1, 'stat')]);
      const connection = await connect(broker.url);
      const channel = await connection.createChannel();
      for (let gone = false; !gone; ) {
        const message = await channel.get(`${own.prefix}.stat`);
        if (message === false) gone = (await channel.checkQueue(`${own.prefix}.dead`)).messageCount === 1;
        else channel.nack(message, false, true);
      }
      await connection.close();
      await queue.consume((claim) => readWell(ledger, claim), { concurrency: 1 });
      await until('it is read', async () => {
        await tendQueue(ledger, queue);
        return (await delivered(ledger)) === 1;
      });
    });

    behaviour('a job for a study that was forgotten or has moved on does nothing', async (own) => {
      const { ledger } = own;
      const queue = await own.queue('reader-1');
      await queue.publish([await queuedStudy(ledger, 1), await queuedStudy(ledger, 2)]);
      await ledger.retention.forget(study(1));
      await ledger.studies.reread(study(2));
      const runs: number[] = [];
      await queue.consume(
        async (claim) => {
          runs.push(claim.run);
          await readWell(ledger, claim);
        },
        { concurrency: 1 },
      );
      await until('it is read', async () => {
        await tendQueue(ledger, queue);
        return (await delivered(ledger)) === 1;
      });
      assert.deepEqual(runs, [2]);
    });
  });

  const folders: string[] = [];
  after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

  readerCrash('RabbitMQ', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dh-queue-'));
    folders.push(folder);
    return {
      ledger: join(folder, 'ledger.sqlite'),
      queue: broker.url,
      prefix: `test-${randomUUID()}`,
    };
  });
}
