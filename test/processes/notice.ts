/**
 * Notices, settles, claims and reports studies without end, and says on stdout what the ledger has
 * acknowledged, a line each: made to be killed in the middle.
 *
 * Arguments: where the ledger is, and the number of its first study.
 */
import { writeSync } from 'node:fs';
import { openLedger } from '../../src/ledger/ledger.ts';
import { received, report, study } from '../contracts/studies.ts';

const [where = '', first = '1'] = process.argv.slice(2);
const ledger = await openLedger(where);
writeSync(1, 'open\n');
for (let number = Number(first); ; number += 1) {
  await ledger.studies.notice(received(number));
  writeSync(1, `noticed ${number}\n`);
  await ledger.studies.settle(study(number));
  const outcome = await ledger.claims.claim(
    { studyUid: study(number), run: 1 },
    { worker: `writer-${first}`, leaseMs: 60_000 },
  );
  if (outcome.kind !== 'claimed') throw new Error(outcome.kind);
  await ledger.claims.report(outcome.claim, report(number));
  writeSync(1, `reported ${number}\n`);
}
