import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import pino from 'pino';
import { received, report, study, WORKER } from '../../test/contracts/studies.ts';
import { until } from '../../test/peers/process.ts';
import { openDataFolder } from '../intake/data-folder.ts';
import { openLedger } from '../ledger/ledger.ts';
import type { Ledger, NewReportObject } from '../ledger/types.ts';
import { auditInForce } from '../observe/audit/in-force.ts';
import { createMetrics } from '../observe/metrics.ts';
import { type Destination, type SendOutcome, startDelivering } from './deliver.ts';

/** Reported studies 1, 2, ..., each with a heat map and a report for the archive `pacs`. */
async function reported(ledger: Ledger, count: number): Promise<void> {
  for (let number = 1; number <= count; number += 1) {
    await ledger.studies.notice(received(number));
    await ledger.studies.settle(study(number));
    const outcome = await ledger.claims.claim({ studyUid: study(number), run: 1 }, WORKER);
    assert.equal(outcome.kind, 'claimed');
    const made = report(number);
    await ledger.claims.report(outcome.claim, { ...made, objects: made.objects.map(hashed) });
  }
}

function hashed(object: NewReportObject): NewReportObject {
  const bytes = object.body.kind === 'inline' ? object.body.bytes : Buffer.alloc(0);
  return { ...object, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}

/** An archive that answers when it is told to. */
function archive(answer: () => Promise<SendOutcome>) {
  const asked: string[] = [];
  let most = 0;
  let open = 0;
  const destination: Destination = {
    name: 'pacs',
    via: 'pacs',
    async send({ studyUid, object }) {
      asked.push(`${studyUid} ${object.kind}`);
      open += 1;
      most = Math.max(most, open);
      try {
        return await answer();
      } finally {
        open -= 1;
      }
    },
    close: async () => {},
  };
  return {
    ...{ destination, asked },
    get most() {
      return most;
    },
  };
}

async function delivering(t: TestContext) {
  const folder = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-deliver-')));
  const ledger = await openLedger(join(folder.path, 'ledger.sqlite'));
  t.after(async () => {
    await ledger.close();
    await rm(folder.path, { recursive: true });
  });
  return {
    ...{ ledger, folder },
    ...{ log: pino({ level: 'silent' }), keyOf: (uid: string) => uid, worker: 'deliverer-1' },
    metrics: createMetrics(ledger, {
      ready: async () => true,
      freeBytes: () => 0,
      reserveBytes: () => 0,
      destinations: () => [],
    }),
    audit: auditInForce({ on: false, record() {}, async stop() {} }),
    signal: new AbortController().signal,
    onSent() {},
  };
}

async function isSent(ledger: Ledger): Promise<boolean> {
  const backlog = await ledger.deliveries.backlog();
  return backlog.every(({ destination }) => destination !== 'pacs');
}

test('two studies are on their way to an archive at once, each with its heat map before its report', async (t) => {
  const context = await delivering(t);
  await reported(context.ledger, 4);
  let open = Promise.withResolvers<SendOutcome>();
  const pacs = archive(() => open.promise);
  const loop = startDelivering(pacs.destination, context, 2);
  t.after(() => loop.stop());
  await until('two are asked for', async () => pacs.asked.length === 2);
  assert.deepEqual(pacs.asked.toSorted(), [`${study(1)} heat-map`, `${study(2)} heat-map`]);
  open.resolve({ kind: 'sent' });
  open = Promise.withResolvers<SendOutcome>();
  open.resolve({ kind: 'sent' });
  await until('all are sent', async () => isSent(context.ledger));
  assert.equal(pacs.most, 2);
  for (const number of [1, 2, 3, 4]) {
    const order = pacs.asked.filter((each) => each.startsWith(`${study(number)} `));
    assert.deepEqual(order, [`${study(number)} heat-map`, `${study(number)} sr-air`]);
  }
});

test('while an archive fails it is one destination: one study tries, and both go on when it answers', async (t) => {
  const context = await delivering(t);
  await reported(context.ledger, 4);
  let answers = false;
  const pacs = archive(async () =>
    answers ? { kind: 'sent' } : { kind: 'failed', code: 'web.unreachable' },
  );
  const loop = startDelivering(pacs.destination, context, 2);
  t.after(() => loop.stop());
  await until('it was tried', async () => pacs.asked.length >= 2);
  const first = pacs.asked.length;
  await until('it is tried again', async () => pacs.asked.length > first);
  for (let look = 0; look < 5; look += 1) loop.wake();
  assert.equal(pacs.asked.length, first + 1, 'one more, not one more each');
  answers = true;
  await until('all are sent', async () => isSent(context.ledger));
});
