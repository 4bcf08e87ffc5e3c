import { sql } from 'kysely';
import { DeepHealthError } from '../errors/error.ts';
import { addInstances, hasEnded, isHeld } from './claim-hold.ts';
import { reap, releaseWorker } from './claim-lapse.ts';
import { reportStudy } from './claim-report.ts';
import type { Db, LedgerContext, Trx } from './context.ts';
import { record } from './events.ts';
import { priorityNumber, priorityOf, reasonColumns, sourceOf, storable } from './rows.ts';
import type { StudyRow } from './schema.ts';
import { enter, lockStudy, type StudyChange } from './study-rows.ts';
import {
  type ClaimOptions,
  type ClaimOutcome,
  type InstanceNotice,
  type Ledger,
  PRIORITIES,
  type Priority,
  type Reason,
  type Selection,
  type StudyClaim,
  type StudyEvent,
  type StudyStatus,
} from './types.ts';

/** Taking studies to read, and every way in which a reading ends. */
export function claims(context: LedgerContext): Ledger['claims'] {
  return {
    claim: (job, options) =>
      context.write(async (trx) => {
        const row = await lockStudy(context, trx, job.studyUid);
        const refusal = refuse(row, job.run, context.now());
        if (row === undefined || refusal !== undefined) return refusal ?? { kind: 'unknown' };
        return { kind: 'claimed', claim: await take(context, trx, row, options) };
      }, 'soon'),

    async claimNext(options) {
      // Priority by priority: within one, the due time is a range of the index.
      for (const priority of PRIORITIES) {
        // Asked over and over by idle readers: a look without the write lock first.
        const any = await context.read((db) => waiting(context, db, priority).executeTakeFirst());
        if (any === undefined) continue;
        const claim = await context.write(async (trx) => {
          const query = waiting(context, trx, priority);
          const row = await (context.dialect === 'postgres'
            ? query.forUpdate().skipLocked()
            : query
          ).executeTakeFirst();
          return row === undefined ? undefined : take(context, trx, row, options);
        }, 'soon');
        if (claim !== undefined) return claim;
      }
      return undefined;
    },

    extend: (claim, leaseMs) =>
      context.write(async (trx) => {
        const leaseUntil = context.now() + leaseMs;
        const { numUpdatedRows } = await trx
          .updateTable('studies')
          .set({ lease_until: leaseUntil })
          .where('study_uid', '=', claim.studyUid)
          .where('state', '=', 'reading')
          .where('fence', '=', claim.token)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw new DeepHealthError('ledger.claim-lost');
        return { ...claim, leaseUntil };
      }),

    found: (claim, instances) =>
      context.write(async (trx) => {
        const row = await lockStudy(context, trx, claim.studyUid);
        if (!isHeld(row, claim)) throw new DeepHealthError('ledger.claim-lost');
        await addInstances(context, trx, row, instances);
      }),

    report: (claim, report) => context.write((trx) => reportStudy(context, trx, claim, report)),

    skip: (claim, reason, instances = []) =>
      end(context, claim, { state: 'skipped', reason }, { kind: 'skipped', reason }, {}, instances),

    fail: (claim, reason, instances = []) =>
      end(context, claim, { state: 'failed', reason }, { kind: 'failed', reason }, {}, instances),

    retryLater: (claim, reason, retryAt) =>
      end(
        context,
        claim,
        { state: 'queued', dueAt: retryAt, publishedAt: null },
        { kind: 'attempt-failed', reason },
        { attempts: claim.attempts + 1, ...reasonColumns(reason) },
      ),

    putBack: (claim) =>
      end(
        context,
        claim,
        { state: 'queued', dueAt: context.now(), publishedAt: null },
        { kind: 'put-back', reason: null },
        {},
      ),

    reap: (options = {}) => reap(context, options),
    releaseWorker: (worker, options = {}) => releaseWorker(context, worker, options),
  };
}

/** The study of this priority that is due for the longest time. */
function waiting({ now }: LedgerContext, db: Db | Trx, priority: Priority) {
  return db
    .selectFrom('studies')
    .selectAll()
    .where('state', '=', sql.lit('queued'))
    .where('priority', '=', priorityNumber(priority))
    .where('due_at', '<=', now())
    .orderBy('due_at')
    .limit(1);
}

function refuse(
  row: StudyRow | undefined,
  run: number,
  now: number,
): Exclude<ClaimOutcome, { kind: 'claimed' }> | undefined {
  if (row === undefined) return { kind: 'unknown' };
  if (row.run !== run) return { kind: 'stale' };
  if (row.state === 'reading') return { kind: 'taken' };
  if (row.state !== 'queued' || row.due_at === null) return { kind: 'stale' };
  return row.due_at > now ? { kind: 'not-due', dueAt: row.due_at } : undefined;
}

async function take(
  context: LedgerContext,
  trx: Trx,
  row: StudyRow,
  { worker, leaseMs }: ClaimOptions,
): Promise<StudyClaim> {
  const now = context.now();
  const token = row.fence + 1;
  const leaseUntil = now + leaseMs;
  const firstAttemptAt = row.first_attempt_at ?? now;
  await enter(
    context,
    trx,
    row.study_uid,
    { state: 'reading', worker, leaseUntil },
    { fence: token, deaths: row.deaths + 1, first_attempt_at: firstAttemptAt },
  );
  await record(trx, { studyUid: row.study_uid, run: row.run, at: now, kind: 'claimed', subject: worker });
  return {
    studyUid: row.study_uid,
    run: row.run,
    token,
    worker: storable(worker),
    priority: priorityOf(row.priority),
    source: sourceOf(row),
    attempts: row.attempts,
    deaths: row.deaths,
    firstAttemptAt,
    leaseUntil,
  };
}

function end(
  context: LedgerContext,
  claim: StudyClaim,
  status: StudyStatus,
  event: { readonly kind: StudyEvent['kind']; readonly reason: Reason | null },
  change: StudyChange,
  instances: readonly (InstanceNotice & { readonly selection?: Selection })[] = [],
): Promise<void> {
  return context.write(async (trx) => {
    const row = await lockStudy(context, trx, claim.studyUid);
    if (hasEnded(row, claim)) return;
    if (!isHeld(row, claim)) throw new DeepHealthError('ledger.claim-lost');
    await addInstances(context, trx, row, instances);
    await enter(context, trx, claim.studyUid, status, { ...change, deaths: 0 });
    await record(trx, {
      studyUid: claim.studyUid,
      run: claim.run,
      at: context.now(),
      subject: claim.worker,
      ...event,
    });
  });
}
