import { sql } from 'kysely';
import { DeepHealthError, ERROR_KINDS } from '../errors/error.ts';
import type { LedgerContext, Trx } from './context.ts';
import { record } from './events.ts';
import { reasonColumns, storable } from './rows.ts';
import type { StudyRow } from './schema.ts';
import { enter } from './study-rows.ts';
import type { NewDelivery, StudyState } from './types.ts';
import type { StudyUid } from './uids.ts';

/**
 * How the deliveries of one study wait for one another. All of it runs with the study's row locked.
 *
 * Two kinds of wait: until the other was sent (an ORU after its SR), and until it ended either way (the order
 * to one destination). What waits is not free to be claimed; that is kept as a count in the row, so finding
 * work among a day's backlog is one step down an index.
 */
export async function enterDeliveries(
  { now }: LedgerContext,
  trx: Trx,
  study: StudyRow,
  objects: ReadonlyMap<string, number>,
  deliveries: readonly NewDelivery[],
): Promise<void> {
  const ids = new Map<string, number>();
  for (const delivery of deliveries) {
    const objectId = objects.get(delivery.object);
    const after = (delivery.after ?? []).map((key) => ids.get(key));
    if (objectId === undefined || after.includes(undefined) || ids.has(delivery.key)) {
      throw new DeepHealthError('ledger.report-invalid');
    }
    const earlier = await trx
      .selectFrom('deliveries')
      .select('id')
      .where('study_uid', '=', study.study_uid)
      .where('destination', '=', delivery.destination)
      .where('state', '=', 'pending')
      .execute();
    const { id, isNew } = await enterDelivery(trx, study, objectId, delivery, now());
    ids.set(delivery.key, id);
    // An object that is on its way already (a film read again with the same result) keeps the order it has: were
    // it to wait for what was entered after it, the two would wait for each other for ever.
    if (!isNew) continue;
    const waits = new Map<number, number>();
    for (const { id: on } of earlier) waits.set(on, 0);
    for (const on of after) if (on !== undefined) waits.set(on, 1);
    for (const [on, untilSent] of waits) {
      await trx
        .insertInto('delivery_waits')
        .values({ delivery_id: id, on_id: on, until_sent: untilSent })
        .onConflict((conflict) => conflict.columns(['delivery_id', 'on_id']).doNothing())
        .execute();
    }
  }
  await recount(trx, study.study_uid);
}

/** Enters one delivery; the same object to the same destination is delivered once, whatever the run. */
async function enterDelivery(
  trx: Trx,
  study: StudyRow,
  objectId: number,
  delivery: NewDelivery,
  now: number,
): Promise<{ readonly id: number; readonly isNew: boolean }> {
  const known = await trx
    .selectFrom('deliveries')
    .select(['id', 'state'])
    .where('object_id', '=', objectId)
    .where('destination', '=', delivery.destination)
    .executeTakeFirst();
  if (known !== undefined) {
    await trx
      .updateTable('deliveries')
      .set({ run: study.run, ...(known.state === 'parked' ? pendingAgain(now) : {}) })
      .where('id', '=', known.id)
      .execute();
    return { id: known.id, isNew: false };
  }
  const { id } = await trx
    .insertInto('deliveries')
    .values({
      study_uid: study.study_uid,
      run: study.run,
      destination: storable(delivery.destination),
      via: delivery.via,
      object_id: objectId,
      state: 'pending',
      priority: study.priority,
      blockers: 0,
      attempts: 0,
      next_attempt_at: now,
      fence: 0,
      created_at: now,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return { id, isNew: true };
}

function pendingAgain(now: number) {
  return {
    state: 'pending' as const,
    attempts: 0,
    next_attempt_at: now,
    worker: null,
    first_attempt_at: null,
    ended_at: null,
  };
}

/**
 * Parked deliveries of the last run are pending again; gives how many. Those of earlier runs stay: after a
 * correction went out, its preliminary must not follow.
 */
export async function retryDeliveries({ now }: LedgerContext, trx: Trx, study: StudyRow): Promise<number> {
  const { numUpdatedRows } = await trx
    .updateTable('deliveries')
    .set(pendingAgain(now()))
    .where('study_uid', '=', study.study_uid)
    .where('run', '=', study.run)
    .where('state', '=', 'parked')
    .executeTakeFirst();
  await recount(trx, study.study_uid);
  return Number(numUpdatedRows);
}

/** Parks whatever must wait until a parked delivery was sent, and whatever waits for that. */
export async function parkDependents(
  { now }: LedgerContext,
  trx: Trx,
  study: Pick<StudyRow, 'study_uid'>,
): Promise<void> {
  const reason = {
    code: 'delivery.predecessor-parked',
    message: ERROR_KINDS['delivery.predecessor-parked'].meaning,
  };
  for (;;) {
    const parked = await trx
      .updateTable('deliveries')
      .set({ state: 'parked', ended_at: now(), ...reasonColumns(reason) })
      .where('study_uid', '=', study.study_uid)
      .where('state', '=', 'pending')
      .where(
        sql<boolean>`exists (select 1 from delivery_waits w join deliveries o on o.id = w.on_id
          where w.delivery_id = deliveries.id and w.until_sent = 1 and o.state = 'parked')`,
      )
      .returning(['destination', 'run'])
      .execute();
    if (parked.length === 0) return;
    for (const { destination, run } of parked) {
      const event = { studyUid: study.study_uid, run, at: now(), subject: destination, reason };
      await record(trx, { ...event, kind: 'parked' });
    }
  }
}

/** Counts anew what each pending delivery of the study waits for. */
export async function recount(trx: Trx, studyUid: StudyUid): Promise<void> {
  await sql`update deliveries set blockers = (
      select count(*) from delivery_waits w join deliveries o on o.id = w.on_id
      where w.delivery_id = deliveries.id
        and (o.state = 'pending' or (w.until_sent = 1 and o.state <> 'sent')))
    where study_uid = ${studyUid} and state = 'pending'`.execute(trx);
}

/**
 * A reported study whose deliveries were all sent is delivered; gives the state it is in.
 *
 * @param study its row, locked, as it is in this transaction
 */
export async function closeStudyWhenDone(
  context: LedgerContext,
  trx: Trx,
  study: Pick<StudyRow, 'study_uid' | 'state' | 'run'>,
): Promise<StudyState> {
  if (study.state !== 'reported') return study.state;
  const { study_uid: studyUid, run } = study;
  const open = await trx
    .selectFrom('deliveries')
    .select('id')
    .where('study_uid', '=', studyUid)
    .where((where) =>
      where.or([
        where('state', '=', 'pending'),
        where.and([where('state', '=', 'parked'), where('run', '=', run)]),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  if (open !== undefined) return 'reported';
  await enter(context, trx, studyUid, { state: 'delivered' });
  await record(trx, { studyUid, run, at: context.now(), kind: 'delivered' });
  return 'delivered';
}
