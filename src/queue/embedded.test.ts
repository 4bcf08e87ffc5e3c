import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { readerCrash } from '../../test/contracts/crashes.ts';
import { queueContract } from '../../test/contracts/queue.ts';
import { openLedger } from '../ledger/ledger.ts';
import { embeddedQueue } from './embedded.ts';
import type { Queue } from './types.ts';

queueContract('embedded queue', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dh-queue-'));
  const ledger = await openLedger(join(folder, 'ledger.sqlite'));
  const queues: Queue[] = [];
  return {
    ledger,
    async queue(worker, options = {}) {
      const queue = embeddedQueue({ ledger, worker, pollMs: 100, ...options });
      queues.push(queue);
      return queue;
    },
    async close() {
      await Promise.all(queues.map((queue) => queue.close()));
      await ledger.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

readerCrash('embedded queue on SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dh-queue-'));
  folders.push(folder);
  return { ledger: join(folder, 'ledger.sqlite'), queue: 'embedded', prefix: '' };
});
