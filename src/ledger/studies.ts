import { sql } from 'kysely';
import type { LedgerContext, Trx } from './context.ts';
import { retryDeliveries } from './delivery-flow.ts';
import { record } from './events.ts';
import { enterInstances } from './films.ts';
import { jobOf, jsonText, priorityNumber, statusColumns } from './rows.ts';
import type { StudyRow } from './schema.ts';
import { enter, lockStudy, type StudyChange } from './study-rows.ts';
import type {
  InstanceOutcome,
  Ledger,
  NoticeOutcome,
  Priority,
  ReadingJob,
  RereadOutcome,
  RetryOutcome,
  SettleOutcome,
  StudyNotice,
} from './types.ts';
import type { StudyUid } from './uids.ts';

type Changes = Pick<Ledger['studies'], 'notice' | 'settle' | 'settleDue' | 'retry' | 'reread'>;

/** How studies come, settle, and are taken up again. */
export function studies(context: LedgerContext): Changes {
  return {
    notice: (notice) => context.write((trx) => noticeStudy(context, trx, notice)),
    settle: (studyUid) => context.write((trx) => settle(context, trx, studyUid), 'soon'),
    settleDue: (limit = 100) => settleDue(context, limit),
    retry: (studyUid) => context.write((trx) => retry(context, trx, studyUid)),
    reread: (studyUid, priority) => context.write((trx) => reread(context, trx, studyUid, priority)),
  };
}

async function noticeStudy(context: LedgerContext, trx: Trx, notice: StudyNotice): Promise<NoticeOutcome> {
  const before = await lockStudy(context, trx, notice.studyUid);
  const isNew = before === undefined && (await insertStudy(context, trx, notice));
  // Another process may have entered it between the look and the insert.
  const row = before ?? (await lockStudy(context, trx, notice.studyUid));
  if (row === undefined) throw new Error('a study that was just entered is not there');

  const entry = await enterInstances(context, trx, notice.studyUid, notice.instances ?? []);
  const now = context.now();
  const change: StudyChange = {
    instance_count: row.instance_count + entry.added,
    film_count: row.film_count + entry.addedFilms,
  };
  const films = entry.addedFilms + entry.mendedFilms;
  if (entry.added + entry.mendedFilms > 0) change.last_instance_at = now;
  const display = jsonText(notice.display);
  if (display !== null) change.display = display;
  if (priorityNumber(notice.priority) < row.priority) {
    change.priority = priorityNumber(notice.priority);
    // A broker has it in the queue of the other priority.
    if (row.state === 'queued') change.published_at = null;
  }
  await recordConflicts(context, trx, row, entry.outcomes);

  if (!isNew && films > 0 && row.state !== 'settling' && row.state !== 'queued') {
    const run = row.run + 1;
    await enter(
      context,
      trx,
      row.study_uid,
      { state: 'settling', settleAt: notice.settleAt },
      { ...change, ...freshRun(row, run) },
    );
    await record(trx, { studyUid: row.study_uid, run, at: now, kind: 'reopened', subject: from(notice) });
    return { kind: 'reopened', run, state: 'settling', instances: entry.outcomes };
  }
  // A sender that repeats what is known must not keep the study from settling for ever.
  const putsOff = notice.instances === undefined || entry.added + entry.mendedFilms > 0;
  if (row.state === 'settling' && notice.settleAt !== null && putsOff) change.settle_at = notice.settleAt;
  await trx.updateTable('studies').set(change).where('study_uid', '=', row.study_uid).execute();
  if (isNew) {
    await record(trx, {
      studyUid: row.study_uid,
      run: row.run,
      at: now,
      kind: 'noticed',
      subject: from(notice),
    });
  }
  return { kind: isNew ? 'new' : 'known', run: row.run, state: row.state, instances: entry.outcomes };
}

function from(notice: StudyNotice): string {
  return notice.source.pacs === null ? notice.source.kind : `${notice.source.kind} ${notice.source.pacs}`;
}

/** Columns of a run that begins; whoever still reads an earlier one is fenced. */
function freshRun(row: StudyRow, run: number): StudyChange {
  return {
    run,
    fence: row.fence + 1,
    deaths: 0,
    attempts: 0,
    first_attempt_at: null,
    reason_code: null,
    reason_message: null,
  };
}

async function insertStudy(context: LedgerContext, trx: Trx, notice: StudyNotice): Promise<boolean> {
  const now = context.now();
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('studies')
    .values({
      study_uid: notice.studyUid,
      run: 1,
      priority: priorityNumber(notice.priority),
      source_kind: notice.source.kind,
      source_pacs: notice.source.pacs,
      fence: 0,
      deaths: 0,
      attempts: 0,
      instance_count: 0,
      film_count: 0,
      noticed_at: now,
      ...statusColumns({ state: 'settling', settleAt: notice.settleAt }, now),
    })
    .onConflict((conflict) => conflict.column('study_uid').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

async function recordConflicts(
  context: LedgerContext,
  trx: Trx,
  row: StudyRow,
  outcomes: readonly InstanceOutcome[],
): Promise<void> {
  const conflicts = outcomes.filter((outcome) => outcome.kind === 'conflict').length;
  if (conflicts === 0) return;
  await record(trx, {
    studyUid: row.study_uid,
    run: row.run,
    at: context.now(),
    kind: 'conflict',
    reason: { code: 'instance.conflict', message: `${conflicts} known instance(s) came with other bytes.` },
  });
}

async function settle(context: LedgerContext, trx: Trx, studyUid: StudyUid): Promise<SettleOutcome> {
  const row = await lockStudy(context, trx, studyUid);
  if (row === undefined) return { kind: 'unknown' };
  if (row.state !== 'settling') return { kind: 'not-settling', state: row.state };
  const now = context.now();
  await enter(context, trx, studyUid, { state: 'queued', dueAt: now, publishedAt: null });
  await record(trx, { studyUid, run: row.run, at: now, kind: 'settled' });
  return { kind: 'queued', job: jobOf(row) };
}

async function settleDue(context: LedgerContext, limit: number): Promise<readonly ReadingJob[]> {
  const due = (db: Pick<Trx, 'selectFrom'>) =>
    db
      .selectFrom('studies')
      .select('study_uid')
      .where('state', '=', sql.lit('settling'))
      .where('settle_at', '<=', context.now())
      .orderBy('settle_at')
      .limit(limit);
  // Asked every second: a look without the write lock first.
  const any = await context.read((db) => due(db).executeTakeFirst());
  if (any === undefined) return [];
  return context.write(async (trx) => {
    const locked = context.dialect === 'postgres' ? due(trx).forUpdate().skipLocked() : due(trx);
    const jobs: ReadingJob[] = [];
    for (const { study_uid: studyUid } of await locked.execute()) {
      const outcome = await settle(context, trx, studyUid);
      if (outcome.kind === 'queued') jobs.push(outcome.job);
    }
    return jobs;
  }, 'soon');
}

async function retry(context: LedgerContext, trx: Trx, studyUid: StudyUid): Promise<RetryOutcome> {
  const row = await lockStudy(context, trx, studyUid);
  if (row === undefined) return { kind: 'unknown' };
  const now = context.now();
  if (row.state === 'failed') {
    await enter(
      context,
      trx,
      studyUid,
      { state: 'queued', dueAt: now, publishedAt: null },
      { deaths: 0, attempts: 0, first_attempt_at: null },
    );
    await record(trx, { studyUid, run: row.run, at: now, kind: 'retried' });
    return { kind: 'queued', job: jobOf(row) };
  }
  const count = await retryDeliveries(context, trx, row);
  if (count === 0) return { kind: 'nothing-to-retry', state: row.state };
  await record(trx, { studyUid, run: row.run, at: now, kind: 'retried', subject: 'deliveries' });
  return { kind: 'deliveries', count };
}

async function reread(
  context: LedgerContext,
  trx: Trx,
  studyUid: StudyUid,
  priority: Priority | undefined,
): Promise<RereadOutcome> {
  const row = await lockStudy(context, trx, studyUid);
  if (row === undefined) return { kind: 'unknown' };
  const now = context.now();
  const run = row.run + 1;
  const wanted = priority === undefined ? row.priority : priorityNumber(priority);
  await enter(
    context,
    trx,
    studyUid,
    { state: 'queued', dueAt: now, publishedAt: null },
    { ...freshRun(row, run), priority: wanted },
  );
  await record(trx, { studyUid, run, at: now, kind: 'reread' });
  return { kind: 'queued', job: jobOf({ ...row, run, priority: wanted }) };
}
