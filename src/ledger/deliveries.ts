import { type Expression, sql } from 'kysely';
import { DeepHealthError } from '../errors/error.ts';
import type { Db, LedgerContext, Trx } from './context.ts';
import { closeStudyWhenDone, parkDependents, recount } from './delivery-flow.ts';
import { record } from './events.ts';
import { objectOf } from './readings.ts';
import { priorityOf, reasonColumns, reasonOf, storable } from './rows.ts';
import type { DeliveryRow, ObjectRow } from './schema.ts';
import { lockStudy } from './study-rows.ts';
import type {
  Delivery,
  DeliveryClaim,
  DeliveryClaimOptions,
  DeliveryOutcome,
  Instant,
  Ledger,
  Reason,
  StudyEvent,
} from './types.ts';
import type { StudyUid } from './uids.ts';

/** Taking deliveries, and every way in which an attempt ends. */
export function deliveries(context: LedgerContext): Omit<Ledger['deliveries'], 'open' | 'redirect'> {
  return {
    claim: (options) => claimDelivery(context, options),

    extend: (claim, leaseMs) =>
      context.write(async (trx) => {
        const leaseUntil = context.now() + leaseMs;
        const { numUpdatedRows } = await trx
          .updateTable('deliveries')
          .set({ next_attempt_at: leaseUntil })
          .where('id', '=', claim.delivery.id)
          .where('fence', '=', claim.token)
          .where('worker', 'is not', null)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw new DeepHealthError('ledger.claim-lost');
        return { ...claim, leaseUntil };
      }),

    sent: (claim, goOn) =>
      context.write(async (trx) => {
        const change = { state: 'sent', ended_at: context.now() } as const;
        const outcome = await end(context, trx, claim, { kind: 'sent', reason: null }, change);
        if (goOn === undefined || outcome.study !== 'reported') return outcome;
        const next = await claimNextOf(context, trx, claim, goOn.leaseMs);
        return next === undefined ? outcome : { ...outcome, next };
      }),

    failed: (claim, reason, retryAt) =>
      context.write((trx) =>
        end(context, trx, claim, { kind: 'delivery-failed', reason }, { next_attempt_at: retryAt }),
      ),

    parked: (claim, reason) =>
      context.write((trx) =>
        end(context, trx, claim, { kind: 'parked', reason }, { state: 'parked', ended_at: context.now() }),
      ),

    putBack: (claim) =>
      context.write(async (trx) => {
        await trx
          .updateTable('deliveries')
          .set((set) => ({
            next_attempt_at: context.now(),
            worker: null,
            attempts: set('attempts', '-', 1),
          }))
          .where('id', '=', claim.delivery.id)
          .where('fence', '=', claim.token)
          .where('worker', 'is not', null)
          .execute();
      }),

    releaseWorker: (worker) =>
      context.write(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('deliveries')
          .set((set) => ({ next_attempt_at: context.now(), worker: null, fence: set('fence', '+', 1) }))
          .where('state', '=', sql.lit('pending'))
          .where('worker', '=', storable(worker))
          .executeTakeFirst();
        return Number(numUpdatedRows);
      }),

    dueAgain: (destination, codes) =>
      context.write(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('deliveries')
          .set({ next_attempt_at: context.now() })
          .where('state', '=', sql.lit('pending'))
          .where('destination', '=', destination)
          .where('worker', 'is', null)
          .where('next_attempt_at', '>', context.now())
          .where('reason_code', 'in', codes)
          .executeTakeFirst();
        return Number(numUpdatedRows);
      }),

    nextDue: (destination) =>
      context.read(async (db) => {
        const dues = await Promise.all(
          [0, 1].map((priority) =>
            free(db, destination, priority).select('next_attempt_at').executeTakeFirst(),
          ),
        );
        const times = dues.flatMap((due) => (due === undefined ? [] : [due.next_attempt_at]));
        return times.length === 0 ? null : Math.min(...times);
      }),

    backlog: () => context.read(backlog),
  };
}

/** Pending deliveries to a destination that wait for no other, in the order of work. */
function free(db: Db | Trx, destination: string, priority: number) {
  return db
    .selectFrom('deliveries')
    .where('state', '=', sql.lit('pending'))
    .where('blockers', '=', sql.lit(0))
    .where('destination', '=', destination)
    .where('priority', '=', priority)
    .orderBy('next_attempt_at')
    .orderBy('id')
    .limit(1);
}

async function claimDelivery(
  context: LedgerContext,
  options: DeliveryClaimOptions,
): Promise<DeliveryClaim | undefined> {
  // Priority by priority: within one, the due time is a range of the index.
  const due = (db: Db | Trx, priority: number) =>
    free(db, options.destination, priority).where('next_attempt_at', '<=', context.now()).select('id');
  for (const priority of [0, 1]) {
    if (context.dialect === 'sqlite') {
      // Asked over and over by idle senders: a look without the write lock first.
      const any = await context.read((db) => due(db, priority).executeTakeFirst());
      if (any === undefined) continue;
      const claim = await context.write((trx) => take(context, trx, due(trx, priority), options));
      if (claim !== undefined) return claim;
    } else {
      // One statement is a transaction of its own, whether it finds something or not.
      const claim = await context.read((db) =>
        take(context, db, due(db, priority).forUpdate().skipLocked(), options),
      );
      if (claim !== undefined) return claim;
    }
  }
  return undefined;
}

/** Takes the one delivery that the query names, if it does. */
async function take(
  context: LedgerContext,
  db: Db | Trx,
  one: Expression<{ id: number }>,
  { worker, leaseMs }: Pick<DeliveryClaimOptions, 'worker' | 'leaseMs'>,
): Promise<DeliveryClaim | undefined> {
  const now = context.now();
  const row = await db
    .updateTable('deliveries')
    .set((set) => ({
      worker: storable(worker),
      fence: set('fence', '+', 1),
      attempts: set('attempts', '+', 1),
      next_attempt_at: now + leaseMs,
      first_attempt_at: sql<number>`coalesce(first_attempt_at, ${now})`,
    }))
    .where('id', '=', sql<number>`(${one})`)
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const object = await db
    .selectFrom('objects')
    .selectAll()
    .where('id', '=', row.object_id)
    .executeTakeFirstOrThrow();
  return {
    token: row.fence,
    worker: storable(worker),
    leaseUntil: row.next_attempt_at,
    priority: priorityOf(row.priority),
    delivery: deliveryOf(row, object),
  };
}

/** The next delivery of the study to the destination of this one; the study's row is locked. */
async function claimNextOf(
  context: LedgerContext,
  trx: Trx,
  { worker, delivery: { studyUid, destination } }: DeliveryClaim,
  leaseMs: number,
): Promise<DeliveryClaim | undefined> {
  const query = trx
    .selectFrom('deliveries')
    .select('id')
    .where('study_uid', '=', studyUid)
    .where('destination', '=', destination)
    .where('state', '=', sql.lit('pending'))
    .where('blockers', '=', sql.lit(0))
    .where('next_attempt_at', '<=', context.now())
    .orderBy('next_attempt_at')
    .orderBy('id')
    .limit(1);
  const one = context.dialect === 'postgres' ? query.forUpdate().skipLocked() : query;
  return take(context, trx, one, { worker, leaseMs });
}

async function end(
  context: LedgerContext,
  trx: Trx,
  claim: DeliveryClaim,
  event: { readonly kind: StudyEvent['kind']; readonly reason: Reason | null },
  change: { state?: 'sent' | 'parked'; ended_at?: Instant; next_attempt_at?: Instant },
): Promise<DeliveryOutcome> {
  const { studyUid, id, destination, run } = claim.delivery;
  const study = await lockStudy(context, trx, studyUid);
  if (study === undefined) throw new DeepHealthError('ledger.claim-lost');
  const { numUpdatedRows } = await trx
    .updateTable('deliveries')
    .set({ ...change, worker: null, ...reasonColumns(event.reason) })
    .where('id', '=', id)
    .where('fence', '=', claim.token)
    .where('worker', 'is not', null)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) {
    // An equal fence without a worker: this claim's own outcome, whose answer was lost.
    const row = await trx.selectFrom('deliveries').select('fence').where('id', '=', id).executeTakeFirst();
    if (row?.fence !== claim.token) throw new DeepHealthError('ledger.claim-lost');
    return { kind: 'already-recorded', study: study.state };
  }
  await record(trx, { studyUid, run, at: context.now(), subject: destination, ...event });
  if (change.state === 'parked') await parkDependents(context, trx, study);
  if (change.state !== undefined) await recount(trx, studyUid);
  return { kind: 'recorded', study: await closeStudyWhenDone(context, trx, study) };
}

async function backlog(db: Db) {
  const pending = await db
    .selectFrom('deliveries')
    .select((select) => [
      'destination',
      select.fn.countAll<number>().as('count'),
      select.fn.min('created_at').as('oldest'),
    ])
    .where('state', '=', sql.lit('pending'))
    .groupBy('destination')
    .execute();
  const parked = await db
    .selectFrom('deliveries')
    .innerJoin('studies', (join) =>
      join
        .onRef('studies.study_uid', '=', 'deliveries.study_uid')
        .onRef('studies.run', '=', 'deliveries.run'),
    )
    .select((select) => ['destination', select.fn.countAll<number>().as('count')])
    .where('deliveries.state', '=', sql.lit('parked'))
    .groupBy('destination')
    .execute();
  const names = new Set([...pending, ...parked].map((row) => row.destination));
  return [...names].sort().map((destination) => {
    const waiting = pending.find((row) => row.destination === destination);
    return {
      destination,
      pending: waiting?.count ?? 0,
      parked: parked.find((row) => row.destination === destination)?.count ?? 0,
      oldestPendingAt: waiting?.oldest ?? null,
    };
  });
}

/** All deliveries of a study, in the order they were entered. */
export async function deliveriesOf(db: Db, studyUid: StudyUid): Promise<Delivery[]> {
  const rows = await db
    .selectFrom('deliveries')
    .selectAll()
    .where('study_uid', '=', studyUid)
    .orderBy('id')
    .execute();
  const objects = await db.selectFrom('objects').selectAll().where('study_uid', '=', studyUid).execute();
  const byId = new Map(objects.map((object) => [object.id, object]));
  return rows.flatMap((row) => {
    const object = byId.get(row.object_id);
    return object === undefined ? [] : [deliveryOf(row, object)];
  });
}

function deliveryOf(row: DeliveryRow, object: ObjectRow): Delivery {
  return {
    id: row.id,
    studyUid: row.study_uid,
    run: row.run,
    destination: row.destination,
    via: row.via,
    object: objectOf(object),
    state: row.state,
    waiting: row.state === 'pending' && row.blockers > 0,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    lastFailure: reasonOf(row),
    firstAttemptAt: row.first_attempt_at,
    endedAt: row.ended_at,
  };
}
