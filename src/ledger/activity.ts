import type { Db, LedgerContext } from './context.ts';
import { reasonOf } from './rows.ts';
import type { Ledger, PassedEvent } from './types.ts';

/** Events looked back over: bounds the work on a large ledger, and holds weeks of a busy hospital. */
const MOST = 100_000;

/** What happened lately, over all studies. */
export function activity(context: LedgerContext): Ledger['activity'] {
  return {
    since: (from, kinds) =>
      context.read(async (db) => {
        const rows = await db
          .selectFrom('events')
          .select(['study_uid', 'run', 'at', 'kind'])
          .where('id', '>', await firstOfLate(db))
          .where('at', '>=', from)
          .where('kind', 'in', [...kinds])
          .orderBy('id')
          .execute();
        return rows.map(
          (row): PassedEvent => ({
            studyUid: row.study_uid,
            run: row.run,
            at: row.at,
            kind: row.kind,
          }),
        );
      }),

    lastAttempts: () =>
      context.read(async (db) => {
        const latest = db
          .selectFrom('events')
          .select((select) => select.fn.max('id').as('id'))
          .where('id', '>', await firstOfLate(db))
          .where('kind', 'in', ['sent', 'delivery-failed', 'parked'])
          .groupBy(['subject', 'kind']);
        const rows = await db
          .selectFrom('events')
          .selectAll()
          .where('id', 'in', latest)
          .orderBy('id')
          .execute();
        return rows.map((row) => ({
          destination: row.subject ?? '',
          at: row.at,
          kind: row.kind === 'sent' ? ('sent' as const) : ('failed' as const),
          reason: reasonOf(row),
        }));
      }),
  };
}

async function firstOfLate(db: Db): Promise<number> {
  const last = await db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return (last?.id ?? 0) - MOST;
}
