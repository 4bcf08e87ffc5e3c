import { DeepHealthError } from '../errors/error.ts';
import { addInstances, hasEnded, isHeld } from './claim-hold.ts';
import type { LedgerContext, Trx } from './context.ts';
import { closeStudyWhenDone, enterDeliveries } from './delivery-flow.ts';
import { record } from './events.ts';
import { enterObjects, readingRow } from './readings.ts';
import { jsonText } from './rows.ts';
import { enter, lockStudy } from './study-rows.ts';
import type { ReportOutcome, StudyClaim, StudyReport } from './types.ts';

/**
 * What was read, made and has to be delivered, recorded together: after it the study is never read again for
 * this run, before it nothing was sent.
 */
export async function reportStudy(
  context: LedgerContext,
  trx: Trx,
  claim: StudyClaim,
  report: StudyReport,
): Promise<ReportOutcome> {
  const row = await lockStudy(context, trx, claim.studyUid);
  if (hasEnded(row, claim)) return { kind: 'already-recorded' };
  if (!isHeld(row, claim)) throw new DeepHealthError('ledger.claim-lost');
  await addInstances(context, trx, row, report.instances);
  if (report.readings.length > 0) {
    await trx
      .insertInto('readings')
      .values(report.readings.map((reading) => readingRow(claim.studyUid, claim.run, reading)))
      .execute();
  }
  const objects = await enterObjects(context, trx, claim, report.objects);
  await enterDeliveries(context, trx, row, objects, report.deliveries);
  await enter(
    context,
    trx,
    claim.studyUid,
    { state: 'reported' },
    { deaths: 0, attempts: 0, summary: jsonText(report.summary), display: jsonText(report.display) },
  );
  await record(trx, {
    studyUid: claim.studyUid,
    run: claim.run,
    at: context.now(),
    kind: 'reported',
    subject: claim.worker,
  });
  const state = await closeStudyWhenDone(context, trx, { ...row, state: 'reported' });
  return { kind: 'recorded', state: state === 'delivered' ? 'delivered' : 'reported' };
}
