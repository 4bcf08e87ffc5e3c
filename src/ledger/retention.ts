import type { Db, LedgerContext } from './context.ts';
import type { Expirable, Ledger } from './types.ts';
import type { StudyUid } from './uids.ts';

/** What is old enough to go. */
export function retention(context: LedgerContext): Ledger['retention'] {
  return {
    expirable: ({ states, before, limit }) =>
      context.read(async (db) => {
        const expirable: Expirable[] = [];
        for (const state of states) {
          if (expirable.length >= limit) break;
          const rows = await db
            .selectFrom('studies')
            .select('study_uid')
            .where('state', '=', state)
            .where('changed_at', '<', before)
            .orderBy('changed_at')
            .limit(limit - expirable.length)
            .execute();
          for (const row of rows) {
            expirable.push({ studyUid: row.study_uid, files: await filesOf(db, row.study_uid) });
          }
        }
        return expirable;
      }),

    forget: (studyUid) =>
      context.write(async (trx) => {
        await trx.deleteFrom('poll_observations').where('study_uid', '=', studyUid).execute();
        const { numDeletedRows } = await trx
          .deleteFrom('studies')
          .where('study_uid', '=', studyUid)
          .executeTakeFirst();
        return { kind: numDeletedRows === 0n ? 'unknown' : 'forgotten' };
      }),

    forgetObservations: (before) =>
      context.write(async (trx) => {
        const { numDeletedRows } = await trx
          .deleteFrom('poll_observations')
          .where('at', '<', before)
          .executeTakeFirst();
        return Number(numDeletedRows);
      }),
  };
}

async function filesOf(db: Db, studyUid: StudyUid): Promise<string[]> {
  const films = await db
    .selectFrom('instances')
    .select('location')
    .where('study_uid', '=', studyUid)
    .where('location_kind', '=', 'file')
    .execute();
  const objects = await db.selectFrom('objects').select('path').where('study_uid', '=', studyUid).execute();
  return [...films.map((row) => row.location), ...objects.map((row) => row.path)].filter(
    (path) => path !== null,
  );
}
