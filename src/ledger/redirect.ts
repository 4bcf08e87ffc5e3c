import { sql } from 'kysely';
import { ERROR_KINDS } from '../errors/error.ts';
import type { Db, LedgerContext, Trx } from './context.ts';
import {
  closeStudyWhenDone,
  hasOpenDeliveries,
  parkDependents,
  pendingAgain,
  recount,
} from './delivery-flow.ts';
import { record } from './events.ts';
import { reasonColumns, storable } from './rows.ts';
import type { DeliveryRow, StudyRow } from './schema.ts';
import { enter, lockStudy } from './study-rows.ts';
import type { Ledger, NewDelivery, RedirectOutcome, ReportObjectKind, StudyEvent } from './types.ts';
import type { StudyUid } from './uids.ts';

/** The other ways in which a delivery ends: where it was to go is not there any more (docs/decisions/0172). */
export function redirection(context: LedgerContext): Pick<Ledger['deliveries'], 'open' | 'redirect'> {
  return {
    open: (destination, after, limit) => context.read((db) => open(db, destination, after, limit)),
    redirect: (studyUid, from, to) => context.write((trx) => redirect(context, trx, studyUid, from, to)),
  };
}

async function open(db: Db, destination: string, after: StudyUid | null, limit: number) {
  let query = db
    .selectFrom('deliveries')
    .innerJoin('studies', 'studies.study_uid', 'deliveries.study_uid')
    .select(['deliveries.study_uid as studyUid', 'deliveries.via as via'])
    .distinct()
    .where('deliveries.destination', '=', destination)
    .where(isOpen());
  if (after !== null) query = query.where('deliveries.study_uid', '>', after);
  return query.orderBy('deliveries.study_uid').limit(limit).execute();
}

/** Not sent, and not parked by a run that another one superseded. */
function isOpen() {
  return sql<boolean>`(deliveries.state = 'pending'
    or (deliveries.state = 'parked' and deliveries.run = studies.run))`;
}

type Row = DeliveryRow & { readonly kind: ReportObjectKind };
type Target = Pick<NewDelivery, 'destination' | 'via'>;

async function redirect(
  context: LedgerContext,
  trx: Trx,
  studyUid: StudyUid,
  from: string,
  to: Target | null,
): Promise<RedirectOutcome> {
  const study = await lockStudy(context, trx, studyUid);
  if (study === undefined) return { moved: 0, givenUp: [] };
  const query = trx
    .selectFrom('deliveries')
    .innerJoin('objects', 'objects.id', 'deliveries.object_id')
    .innerJoin('studies', 'studies.study_uid', 'deliveries.study_uid')
    .selectAll('deliveries')
    .select('objects.kind as kind')
    .where('deliveries.study_uid', '=', studyUid)
    .where('deliveries.destination', '=', from)
    .where(isOpen())
    .orderBy('deliveries.id');
  // Claims do not lock the study: none may come between this look and what follows from it.
  const rows = await (context.dialect === 'postgres' ? query.forUpdate('deliveries') : query).execute();
  if (rows.length === 0) return { moved: 0, givenUp: [] };
  // The receiver may have it already. Taken from the sender, its end could not be recorded any more.
  const heldBy = rows.find((row) => row.worker !== null && row.next_attempt_at > context.now())?.worker;
  if (typeof heldBy === 'string') return { moved: 0, givenUp: [], heldBy };
  const givenUp = new Map<number, string>();
  let moved = 0;
  for (const row of rows) {
    if (to !== null && (await move(context, trx, row, to))) moved += 1;
    else await giveUp(context, trx, study, row, givenUp);
  }
  await takeUpWaiting(context, trx, study);
  await recount(trx, studyUid);
  await close(context, trx, study, givenUp.size > 0);
  return { moved, givenUp: [...givenUp.values()] };
}

/** False where it is of no use at the new destination: that has, or will have, what takes its place. */
async function move(context: LedgerContext, trx: Trx, row: Row, to: Target): Promise<boolean> {
  const there = await trx
    .selectFrom('deliveries')
    .innerJoin('objects', 'objects.id', 'deliveries.object_id')
    .select(['deliveries.id as id', 'deliveries.object_id', 'deliveries.run as run', 'objects.kind as kind'])
    .where('deliveries.study_uid', '=', row.study_uid)
    .where('deliveries.destination', '=', storable(to.destination))
    .execute();
  const same = there.find(({ object_id }) => object_id === row.object_id);
  if (same !== undefined) {
    await waitFor(trx, row.id, same.id);
    await trx.deleteFrom('deliveries').where('id', '=', row.id).execute();
  } else {
    // A correction that went out must not be followed by its preliminary, and a receiver gets one message a reading,
    // its own.
    const isSuperseded = there.some(
      ({ kind, run }) => kind === row.kind && (run > row.run || (kind === 'oru' && run === row.run)),
    );
    if (isSuperseded) return false;
    await trx
      .updateTable('deliveries')
      .set((set) => ({
        ...pendingAgain(context.now()),
        destination: storable(to.destination),
        via: to.via,
        fence: set('fence', '+', 1),
        ...reasonColumns(null),
      }))
      .where('id', '=', row.id)
      .execute();
    await waitForEarlierRuns(trx, row, to);
  }
  await tell(context, trx, row, 'redirected', `${row.destination} to ${to.destination}`);
  return true;
}

/**
 * What was moved waits for what earlier runs have on its way there, as if it had been entered for that destination: not
 * for what waits for it in turn, through whatever is between them, or neither would ever go.
 */
async function waitForEarlierRuns(trx: Trx, { id, study_uid, run }: Row, to: Target): Promise<void> {
  await sql`with recursive behind (id) as (
      select delivery_id from delivery_waits where on_id = ${id}
      union
      select w.delivery_id from delivery_waits w join behind on w.on_id = behind.id)
    insert into delivery_waits (delivery_id, on_id, until_sent)
    select ${sql.lit(id)}, id, 0 from deliveries
    where study_uid = ${study_uid} and destination = ${storable(to.destination)}
      and state = 'pending' and run < ${run} and id not in (select id from behind)
    on conflict (delivery_id, on_id) do nothing`.execute(trx);
}

/**
 * Ends a delivery unsent, and what must wait until it was sent: a message must not announce a report that is nowhere.
 * Where the same report goes to another archive, that is what is waited for from now on: one that has it before one that
 * will, and that before one that a person has to see to first.
 *
 * @param givenUp the destinations of what was given up, by delivery; added to
 */
async function giveUp(
  context: LedgerContext,
  trx: Trx,
  study: StudyRow,
  row: Pick<Row, 'id' | 'study_uid' | 'run' | 'object_id' | 'destination'>,
  givenUp: Map<number, string>,
): Promise<void> {
  if (givenUp.has(row.id)) return;
  givenUp.set(row.id, row.destination);
  const elsewhere = await trx
    .selectFrom('deliveries')
    .select('id')
    .where('object_id', '=', row.object_id)
    .where('id', '<>', row.id)
    .where((where) => where.or([where('state', '<>', 'parked'), where('run', '=', study.run)]))
    // What is on its way to the same place is given up too.
    .where('destination', '<>', row.destination)
    .orderBy(sql`case state when 'sent' then 0 when 'pending' then 1 else 2 end`)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  if (elsewhere !== undefined) await waitFor(trx, row.id, elsewhere.id);
  else {
    const dependents = await trx
      .selectFrom('deliveries')
      .innerJoin('delivery_waits', 'delivery_waits.delivery_id', 'deliveries.id')
      .selectAll('deliveries')
      .where('delivery_waits.on_id', '=', row.id)
      .where('delivery_waits.until_sent', '=', 1)
      .where('deliveries.state', '<>', 'sent')
      .where((where) =>
        where.or([where('deliveries.state', '=', 'pending'), where('deliveries.run', '=', study.run)]),
      )
      .execute();
    for (const dependent of dependents) await giveUp(context, trx, study, dependent, givenUp);
  }
  await trx.deleteFrom('deliveries').where('id', '=', row.id).execute();
  await tell(context, trx, row, 'given-up', row.destination);
}

/** Whatever must wait until one delivery was sent waits for another one. */
async function waitFor(trx: Trx, before: number, now: number): Promise<void> {
  await sql`insert into delivery_waits (delivery_id, on_id, until_sent)
    select delivery_id, ${sql.lit(now)}, 1 from delivery_waits where on_id = ${before} and until_sent = 1
    on conflict (delivery_id, on_id) do update set until_sent = 1`.execute(trx);
}

/** What was parked only because it waited for something parked is pending again, and parked again where it still does. */
async function takeUpWaiting(context: LedgerContext, trx: Trx, study: StudyRow): Promise<void> {
  await trx
    .updateTable('deliveries')
    .set({ ...pendingAgain(context.now()), ...reasonColumns(null) })
    .where('study_uid', '=', study.study_uid)
    .where('run', '=', study.run)
    .where('state', '=', 'parked')
    .where('reason_code', '=', 'delivery.predecessor-parked')
    .where(
      sql<boolean>`not exists (select 1 from delivery_waits w join deliveries o on o.id = w.on_id
        where w.delivery_id = deliveries.id and w.until_sent = 1 and o.state = 'parked')`,
    )
    .execute();
  await parkDependents(context, trx, study);
}

/** A study of which no report and no message went anywhere is not delivered. */
async function close(context: LedgerContext, trx: Trx, study: StudyRow, gaveUp: boolean): Promise<void> {
  if (study.state !== 'reported' || (await hasOpenDeliveries(trx, study))) return;
  const { study_uid: studyUid, run } = study;
  const sent = await trx
    .selectFrom('deliveries')
    .innerJoin('objects', 'objects.id', 'deliveries.object_id')
    .select('deliveries.id')
    .where('deliveries.study_uid', '=', studyUid)
    .where('deliveries.run', '=', run)
    .where('deliveries.state', '=', 'sent')
    .where('objects.kind', '<>', 'heat-map')
    .limit(1)
    .executeTakeFirst();
  if (sent !== undefined || !gaveUp) {
    await closeStudyWhenDone(context, trx, study);
    return;
  }
  await enter(context, trx, studyUid, { state: 'failed', reason: REASON });
  await record(trx, { studyUid, run, at: context.now(), kind: 'failed', reason: REASON });
}

const REASON = {
  code: 'delivery.no-destination',
  message: ERROR_KINDS['delivery.no-destination'].meaning,
} as const;

async function tell(
  { now }: LedgerContext,
  trx: Trx,
  { study_uid: studyUid, run }: Pick<Row, 'study_uid' | 'run'>,
  kind: Extract<StudyEvent['kind'], 'redirected' | 'given-up'>,
  subject: string,
): Promise<void> {
  await record(trx, { studyUid, run, at: now(), kind, subject, reason: REASON });
}
