/**
 * A reader as a process of its own: reads what the queue brings and says on stdout what it began and what the
 * ledger has recorded. Ends orderly on SIGTERM.
 *
 * Arguments: where the ledger is, what the queue is, its name, the prefix of the broker's queues.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLedger } from '../../src/ledger/ledger.ts';
import { openQueue } from '../../src/queue/open.ts';
import { tendQueue } from '../../src/queue/tend.ts';
import { readWell } from '../contracts/queue.ts';

const [where = '', carrier = '', worker = '', prefix = ''] = process.argv.slice(2);
const ledger = await openLedger(where);
const queue = await openQueue(carrier, { ledger, worker, prefix, leaseMs: 1500, pollMs: 100 });
await queue.consume(
  async (claim) => {
    writeSync(1, `began ${claim.studyUid}\n`);
    await sleep(30);
    await readWell(ledger, claim);
    writeSync(1, `recorded ${claim.studyUid}\n`);
  },
  { concurrency: 2 },
);
writeSync(1, 'open\n');
let ending = false;
process.once('SIGTERM', () => {
  ending = true;
});
while (!ending) {
  await tendQueue(ledger, queue).catch(() => undefined);
  await sleep(200);
}
await queue.close();
await ledger.close();
