import { sql } from 'kysely';
import type { LedgerContext, Trx } from './context.ts';
import { record } from './events.ts';
import { priorityNumber, priorityOf, storableOrNull } from './rows.ts';
import { lockStudy } from './study-rows.ts';
import type { Ledger } from './types.ts';

/** Looks at archives that were promised to somebody who could not wait for them. */
export function looks(context: LedgerContext): Ledger['looks'] {
  return {
    promise: ({ studyUid, pacs, priority }) =>
      context.write(async (trx) => {
        const due = {
          pacs: storableOrNull(pacs),
          priority: priorityNumber(priority),
          due_at: context.now(),
          failures: 0,
          first_failed_at: null,
        };
        await trx
          .insertInto('looks')
          .values({ study_uid: studyUid, ...due, fence: 1 })
          // Whoever is making the look now may have asked the archive before the promise: it is made once more.
          .onConflict((conflict) =>
            conflict
              .column('study_uid')
              .doUpdateSet((set) => ({ ...due, fence: set('looks.fence', '+', 1) })),
          )
          .execute();
      }),

    async claim(leaseMs) {
      const due = (db: Pick<Trx, 'selectFrom'>) =>
        db.selectFrom('looks').selectAll().where('due_at', '<=', context.now()).orderBy('due_at').limit(1);
      // Asked every second: a look without the write lock first.
      if ((await context.read((db) => due(db).executeTakeFirst())) === undefined) return undefined;
      return context.write(async (trx) => {
        const query = due(trx);
        const row = await (context.dialect === 'postgres'
          ? query.forUpdate().skipLocked()
          : query
        ).executeTakeFirst();
        if (row === undefined) return undefined;
        const token = row.fence + 1;
        await trx
          .updateTable('looks')
          .set({ fence: token, due_at: context.now() + leaseMs })
          .where('study_uid', '=', row.study_uid)
          .execute();
        return {
          studyUid: row.study_uid,
          pacs: row.pacs,
          priority: priorityOf(row.priority),
          token,
          failures: row.failures,
          firstFailedAt: row.first_failed_at,
        };
      });
    },

    made: ({ studyUid, token }) =>
      context.write(async (trx) => {
        await trx.deleteFrom('looks').where('study_uid', '=', studyUid).where('fence', '=', token).execute();
      }),

    failed: ({ studyUid, token }, retryAt) =>
      context.write(async (trx) => {
        await trx
          .updateTable('looks')
          .set((set) => ({
            due_at: retryAt,
            failures: set('failures', '+', 1),
            first_failed_at: sql<number>`coalesce(first_failed_at, ${context.now()})`,
          }))
          .where('study_uid', '=', studyUid)
          .where('fence', '=', token)
          .execute();
      }),

    givenUp: ({ studyUid, pacs, token }, reason) =>
      context.write(async (trx) => {
        const { numDeletedRows } = await trx
          .deleteFrom('looks')
          .where('study_uid', '=', studyUid)
          .where('fence', '=', token)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        // Retention may have let the study go meanwhile.
        const study = await lockStudy(context, trx, studyUid);
        if (study !== undefined) {
          const event = { studyUid, run: study.run, at: context.now(), subject: pacs, reason };
          await record(trx, { ...event, kind: 'look-given-up' });
        }
        return true;
      }),
  };
}
