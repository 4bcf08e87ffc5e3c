import { sql } from 'kysely';
import { DeepHealthError, ERROR_KINDS } from '../errors/error.ts';
import type { LedgerContext, Trx } from './context.ts';
import { record } from './events.ts';
import { reasonColumns, storable } from './rows.ts';
import type { DeliveryRow, StudyRow } from './schema.ts';
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
  if (deliveries.length === 0) return;
  const planned = plan(objects, deliveries);
  const known = await trx
    .selectFrom('deliveries')
    .select(['id', 'object_id', 'destination', 'state'])
    .where('study_uid', '=', study.study_uid)
    .orderBy('id')
    .execute();
  const before = new Map(known.map((row) => [placeOf(row), row]));
  await takeUp(
    trx,
    study,
    planned.flatMap((one) => before.get(placeOf(one)) ?? []),
    now(),
  );
  const fresh = new Map(planned.flatMap((one) => (before.has(placeOf(one)) ? [] : [[placeOf(one), one]])));
  const entered = await insertDeliveries(trx, study, [...fresh.values()], now());
  const ids = new Map([...known, ...entered].map((row) => [placeOf(row), row.id]));

  // Each waits for what is pending to its destination when its turn comes, and for what its report names.
  const pending = new Map(
    known.filter(({ state }) => state === 'pending').map((row) => [row.id, row.destination]),
  );
  const byKey = new Map<string, number>();
  const waits: { delivery_id: number; on_id: number; until_sent: number }[] = [];
  for (const one of planned) {
    const place = placeOf(one);
    const id = ids.get(place);
    if (id === undefined) throw new Error('a delivery that was just entered is not there');
    byKey.set(one.key, id);
    // An object that is on its way already (a film read again with the same result) keeps the order it has: were
    // it to wait for what was entered after it, the two would wait for each other for ever.
    if (fresh.get(place) === one) {
      const on = new Map<number, number>();
      for (const [earlier, destination] of pending) if (destination === one.destination) on.set(earlier, 0);
      for (const key of one.after) on.set(byKey.get(key) ?? Number.NaN, 1);
      for (const [onId, untilSent] of on) waits.push({ delivery_id: id, on_id: onId, until_sent: untilSent });
    }
    if (before.get(place)?.state !== 'sent') pending.set(id, one.destination);
  }
  if (waits.length > 0) {
    await trx
      .insertInto('delivery_waits')
      .values(waits)
      .onConflict((conflict) => conflict.columns(['delivery_id', 'on_id']).doNothing())
      .execute();
  }
  await recount(trx, study.study_uid);
}

interface Planned extends Pick<NewDelivery, 'key' | 'via'> {
  readonly object_id: number;
  readonly destination: string;
  readonly after: readonly string[];
}

/** The same object to the same destination is delivered once, whatever the run. */
function placeOf({ object_id, destination }: Pick<Planned, 'object_id' | 'destination'>): string {
  return `${object_id} ${destination}`;
}

/** @throws `ledger.report-invalid` when a delivery names what is not of this report, or not before it */
function plan(objects: ReadonlyMap<string, number>, deliveries: readonly NewDelivery[]): Planned[] {
  const keys = new Set<string>();
  return deliveries.map(({ key, object, destination, via, after = [] }) => {
    const objectId = objects.get(object);
    if (objectId === undefined || keys.has(key) || !after.every((other) => keys.has(other))) {
      throw new DeepHealthError('ledger.report-invalid');
    }
    keys.add(key);
    return { key, via, after, destination: storable(destination), object_id: objectId };
  });
}

/** What the study had on its way before belongs to this run now; what was parked goes again. */
async function takeUp(
  trx: Trx,
  study: StudyRow,
  known: readonly Pick<DeliveryRow, 'id' | 'state'>[],
  now: number,
): Promise<void> {
  for (const parked of [true, false]) {
    const ids = known.filter(({ state }) => (state === 'parked') === parked).map(({ id }) => id);
    if (ids.length === 0) continue;
    await trx
      .updateTable('deliveries')
      .set({ run: study.run, ...(parked ? pendingAgain(now) : {}) })
      .where('id', 'in', ids)
      .execute();
  }
}

async function insertDeliveries(
  trx: Trx,
  study: StudyRow,
  planned: readonly Planned[],
  now: number,
): Promise<Pick<DeliveryRow, 'id' | 'object_id' | 'destination' | 'state'>[]> {
  if (planned.length === 0) return [];
  return trx
    .insertInto('deliveries')
    .values(
      planned.map(({ object_id, destination, via }) => ({
        study_uid: study.study_uid,
        run: study.run,
        destination,
        via,
        object_id,
        state: 'pending' as const,
        priority: study.priority,
        blockers: 0,
        attempts: 0,
        next_attempt_at: now,
        fence: 0,
        created_at: now,
      })),
    )
    .returning(['id', 'object_id', 'destination', 'state'])
    .execute();
}

/** Columns of a delivery that is taken up as if it had never been tried. */
export function pendingAgain(now: number) {
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
  if (await hasOpenDeliveries(trx, study)) return 'reported';
  await enter(context, trx, studyUid, { state: 'delivered' });
  await record(trx, { studyUid, run, at: context.now(), kind: 'delivered' });
  return 'delivered';
}

/** Whether something of the study is on its way, or parked by its last run. */
export async function hasOpenDeliveries(
  trx: Trx,
  { study_uid: studyUid, run }: Pick<StudyRow, 'study_uid' | 'run'>,
): Promise<boolean> {
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
  return open !== undefined;
}
