import type { Db, LedgerContext } from './context.ts';
import { lockStudy } from './study-rows.ts';
import type { Ledger } from './types.ts';
import type { StudyUid } from './uids.ts';

/** Studies of one statement. */
const CHUNK = 500;

/** What is old enough to go. */
export function retention(context: LedgerContext): Ledger['retention'] {
  return {
    expirable: ({ states, before, limit }) =>
      context.read(async (db) => {
        const uids: StudyUid[] = [];
        for (const state of states) {
          const rows = await db
            .selectFrom('studies')
            .select('study_uid')
            .where('state', '=', state)
            .where('changed_at', '<', before)
            .orderBy('changed_at')
            .limit(limit - uids.length)
            .execute();
          uids.push(...rows.map((row) => row.study_uid));
        }
        const files = await filesOf(db, uids);
        return uids.map((studyUid) => ({ studyUid, files: files.get(studyUid) ?? [] }));
      }),

    forget: (studyUid, unlessSince, removeFiles) =>
      context.write(async (trx) => {
        const row = await lockStudy(context, trx, studyUid);
        if (row !== undefined && unlessSince !== undefined && row.changed_at >= unlessSince) {
          return { kind: 'kept' };
        }
        await trx.deleteFrom('poll_observations').where('study_uid', '=', studyUid).execute();
        const { numDeletedRows } = await trx
          .deleteFrom('studies')
          .where('study_uid', '=', studyUid)
          .executeTakeFirst();
        await removeFiles?.();
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

/** The files of the data folder that belong to each study: received films, then made objects. */
async function filesOf(db: Db, uids: readonly StudyUid[]): Promise<ReadonlyMap<StudyUid, string[]>> {
  const files = new Map<StudyUid, string[]>();
  for (let at = 0; at < uids.length; at += CHUNK) {
    const chunk = uids.slice(at, at + CHUNK);
    const films = await db
      .selectFrom('instances')
      .select(['study_uid', 'location as path'])
      .where('study_uid', 'in', chunk)
      .where('location_kind', '=', 'file')
      .execute();
    const objects = await db
      .selectFrom('objects')
      .select(['study_uid', 'path'])
      .where('study_uid', 'in', chunk)
      .where('path', 'is not', null)
      .execute();
    for (const { study_uid: uid, path } of [...films, ...objects]) {
      if (path === null) continue;
      const known = files.get(uid);
      if (known === undefined) files.set(uid, [path]);
      else known.push(path);
    }
  }
  return files;
}
