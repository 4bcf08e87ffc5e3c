import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataFolder } from '../src/intake/data-folder.ts';
import type { Ledger, ReportObject, StudyReport } from '../src/ledger/types.ts';
import type { Queue } from '../src/queue/types.ts';
import { keepInFiles } from '../src/reading/result-files.ts';
import { received, report, study } from '../test/contracts/studies.ts';

const HEAT_MAP = randomBytes(2_500_000);
const DOCUMENT = randomBytes(12_000);

/** A report with objects as heavy as real ones. */
function weighed(made: StudyReport): StudyReport {
  return {
    ...made,
    objects: made.objects.map((object) => {
      const bytes = object.kind === 'heat-map' ? HEAT_MAP : DOCUMENT;
      return { ...object, body: { kind: 'inline', bytes }, bytes: bytes.length };
    }),
  };
}

/** The way of studies through ledger and queue alone: nothing is decoded, inferred or sent. */
export interface Way {
  /** One study from the first notice to the last delivery, every step recorded; `number` must be new. */
  walk(number: number): Promise<void>;
  stop(): Promise<void>;
}

/** @param folder where large results lie if they are not in the ledger, as it is with SQLite */
export async function startWay(ledger: Ledger, queue: Queue, folder?: DataFolder): Promise<Way> {
  const stored = async (made: StudyReport): Promise<StudyReport> =>
    folder === undefined ? made : { ...made, objects: await keepInFiles(made.objects, [], folder) };
  const bytesOf = ({ id, body }: ReportObject) =>
    body.kind === 'file' && folder !== undefined
      ? readFile(folder.absolute(body.path))
      : ledger.readings.bytes(id);
  // A broker's connection comes up by itself, a moment later.
  for (let waited = 0; !queue.ready() && waited < 30_000; waited += 50) await sleep(50);
  const ended = new Map<string, () => void>();
  const consumer = await queue.consume(
    async (claim) => {
      const number = Number(claim.studyUid.split('.').at(-1));
      await ledger.claims.report(claim, await stored(weighed(report(number))));
      for (const destination of ['pacs', 'ris']) {
        let one = await ledger.deliveries.claim({ destination, worker: 'bench', leaseMs: 60_000 });
        while (one !== undefined) {
          await bytesOf(one.delivery.object);
          one = (await ledger.deliveries.sent(one, { leaseMs: 60_000 })).next;
        }
      }
      ended.get(claim.studyUid)?.();
    },
    { concurrency: 8 },
  );
  return {
    async walk(number) {
      const done = new Promise<void>((resolve) => ended.set(study(number), resolve));
      await ledger.studies.notice(received(number));
      const settled = await ledger.studies.settle(study(number));
      if (settled.kind === 'queued') await queue.publish([settled.job]);
      await done;
      ended.delete(study(number));
    },
    stop: () => consumer.stop(),
  };
}
