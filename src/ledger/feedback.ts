import type { Db, LedgerContext } from './context.ts';
import { record } from './events.ts';
import { storableOrNull } from './rows.ts';
import { lockStudy } from './study-rows.ts';
import type { Feedback, Ledger } from './types.ts';
import type { StudyUid } from './uids.ts';

/** The radiologist's word on readings. */
export function feedback(context: LedgerContext): Ledger['feedback'] {
  return {
    add: (studyUid, given) =>
      context.write(async (trx) => {
        const study = await lockStudy(context, trx, studyUid);
        if (study === undefined) return { kind: 'unknown' };
        const at = context.now();
        await trx
          .insertInto('feedback')
          .values({
            study_uid: studyUid,
            run: study.run,
            at,
            agree: given.agree ? 1 : 0,
            label: storableOrNull(given.label),
            comment: storableOrNull(given.comment),
            author: storableOrNull(given.author),
          })
          .execute();
        await record(trx, { studyUid, run: study.run, at, kind: 'feedback', subject: given.author });
        return { kind: 'recorded' };
      }),
  };
}

export async function feedbackOf(db: Db, studyUid: StudyUid): Promise<Feedback[]> {
  const rows = await db
    .selectFrom('feedback')
    .selectAll()
    .where('study_uid', '=', studyUid)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    run: row.run,
    at: row.at,
    agree: row.agree === 1,
    label: row.label,
    comment: row.comment,
    author: row.author,
  }));
}
