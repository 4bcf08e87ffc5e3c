import { sql } from 'kysely';
import { DeepHealthError } from '../errors/error.ts';
import type { Db, LedgerContext } from './context.ts';
import { clampedLimit, pageOf } from './listing.ts';
import type { StudyRow } from './schema.ts';
import type { Instant, Ledger, StudyPage, TriageFilter } from './types.ts';
import { type StudyUid, studyUid } from './uids.ts';

/** The list in the order in which people should look at studies. */
export function triage(context: LedgerContext): Pick<Ledger['studies'], 'triage' | 'revision'> {
  return {
    triage: (filter = {}) => context.read((db) => page(db, context.dialect, filter)),

    revision: () =>
      context.read(async (db) => {
        const last = await db
          .selectFrom('events')
          .select(['id', 'at'])
          .orderBy('id', 'desc')
          .limit(1)
          .executeTakeFirst();
        // What is forgotten takes its events along: the number of studies tells that.
        const { count } = await db
          .selectFrom('studies')
          .select((select) => select.fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        return `${last?.id ?? 0}-${last?.at ?? 0}-${count}`;
      }),
  };
}

/** A field of the summary, which is JSON text in both databases. */
function summaryField(dialect: LedgerContext['dialect'], field: 'pneumonia' | 'label') {
  return dialect === 'postgres'
    ? sql<string | null>`(summary::json ->> ${sql.lit(field)})`
    : sql<string | null>`json_extract(summary, ${sql.lit(`$.${field}`)})`;
}

/**
 * Place in the list: stat before routine; then present, what needs a person (undetermined, failed), what was
 * not read yet, absent, and what held nothing to read.
 */
function rank(dialect: LedgerContext['dialect']) {
  return sql<number>`(priority * 8 + case
    when state = 'failed' then 1
    when state = 'skipped' then 4
    when summary is null then 2
    else case ${summaryField(dialect, 'pneumonia')} when 'present' then 0 when 'undetermined' then 1 else 3 end
  end)`;
}

async function page(db: Db, dialect: LedgerContext['dialect'], filter: TriageFilter): Promise<StudyPage> {
  const limit = clampedLimit(filter.limit);
  let studies = db.selectFrom('studies').selectAll().select(rank(dialect).as('rank'));
  if (filter.since !== undefined) studies = studies.where('noticed_at', '>=', filter.since);
  if (filter.state === 'stuck') {
    studies = studies.where(sql<boolean>`(state = 'failed' or (state = 'reported' and exists (
      select 1 from deliveries
      where deliveries.study_uid = studies.study_uid and deliveries.run = studies.run
        and deliveries.state = 'parked')))`);
  } else if (filter.state !== undefined) {
    studies = studies.where('state', '=', filter.state);
  }
  const label = summaryField(dialect, 'label');
  if (filter.label === null) studies = studies.where(sql<boolean>`summary is not null and ${label} is null`);
  else if (filter.label !== undefined) studies = studies.where(label, '=', filter.label);

  let query = db.selectFrom(studies.as('ranked')).selectAll();
  if (filter.cursor !== undefined) {
    const after = parseCursor(filter.cursor);
    query = query.where(
      sql<boolean>`(rank > ${after.rank} or (rank = ${after.rank}
        and (noticed_at, study_uid) < (${after.noticedAt}, ${after.uid})))`,
    );
  }
  const rows = await query
    .orderBy('rank')
    .orderBy('noticed_at', 'desc')
    .orderBy('study_uid', 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(db, rows, limit, cursorAfter);
}

/** A study that moved to another rank meanwhile may be shown on two pages or on none until the list is renewed. */
function cursorAfter(row: StudyRow & { readonly rank: number }): string {
  return Buffer.from(`${row.rank} ${row.noticed_at} ${row.study_uid}`).toString('base64url');
}

function parseCursor(cursor: string): { rank: number; noticedAt: Instant; uid: StudyUid } {
  const match = /^(\d{1,2}) (\d{1,15}) ([\d.]{1,64})$/.exec(
    Buffer.from(cursor, 'base64url').toString('latin1'),
  );
  const [, place, noticedAt, uid] = match ?? [];
  if (uid === undefined) throw new DeepHealthError('ledger.cursor-invalid');
  return { rank: Number(place), noticedAt: Number(noticedAt), uid: studyUid(uid) };
}
