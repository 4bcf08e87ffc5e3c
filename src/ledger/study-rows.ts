import type { LedgerContext, Trx } from './context.ts';
import { statusColumns } from './rows.ts';
import type { StudyRow } from './schema.ts';
import type { StudyStatus } from './types.ts';
import type { StudyUid } from './uids.ts';

/**
 * The study's row, kept from other writers until the transaction ends. Every change of a study begins with it,
 * so that whatever belongs to one study happens one after another.
 */
export async function lockStudy(
  { dialect }: LedgerContext,
  trx: Trx,
  studyUid: StudyUid,
): Promise<StudyRow | undefined> {
  let query = trx.selectFrom('studies').selectAll().where('study_uid', '=', studyUid);
  // SQLite has one writer at a time anyway.
  if (dialect === 'postgres') query = query.forUpdate();
  return query.executeTakeFirst();
}

export type StudyChange = Partial<Omit<StudyRow, 'study_uid' | 'state' | 'changed_at'>>;

/** Brings a study to another state, with whatever else changes along with it. */
export async function enter(
  { now }: LedgerContext,
  trx: Trx,
  studyUid: StudyUid,
  status: StudyStatus,
  change: StudyChange = {},
): Promise<void> {
  await trx
    .updateTable('studies')
    .set({ ...change, ...statusColumns(status, now()) })
    .where('study_uid', '=', studyUid)
    .execute();
}
