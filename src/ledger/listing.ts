import { sql } from 'kysely';
import { DeepHealthError } from '../errors/error.ts';
import type { Db, LedgerContext } from './context.ts';
import { deliveriesOf } from './deliveries.ts';
import { feedbackOf } from './feedback.ts';
import { films } from './films.ts';
import { objectsOf, readingsOf } from './readings.ts';
import { priorityNumber, reasonOf, studyOf } from './rows.ts';
import type { StudyRow } from './schema.ts';
import {
  type DeliveryState,
  type Instant,
  type Ledger,
  type Priority,
  STUDY_STATES,
  type Study,
  type StudyFilter,
  type StudyPage,
  type StudyState,
} from './types.ts';
import { type StudyUid, studyUid } from './uids.ts';

const DEFAULT_LIMIT = 100;
const MOST = 1000;

type Views = Pick<
  Ledger['studies'],
  'get' | 'history' | 'list' | 'countByState' | 'waiting' | 'oldestWaiting'
>;

/** What an admin, the console and the metrics see of the studies. */
export function listing(context: LedgerContext): Views {
  const get = (uid: StudyUid) =>
    context.read(async (db) => {
      const row = await db.selectFrom('studies').selectAll().where('study_uid', '=', uid).executeTakeFirst();
      if (row === undefined) return undefined;
      const [study] = await withDeliveries(db, [row]);
      return study;
    });

  return {
    get,
    list: (filter = {}) => context.read((db) => page(db, filter)),

    async history(uid) {
      const study = await get(uid);
      if (study === undefined) return undefined;
      return {
        study,
        instances: await films(context).list(uid),
        readings: await context.read((db) => readingsOf(db, uid)),
        shadowReadings: await context.read((db) => readingsOf(db, uid, 'shadow_readings')),
        objects: await context.read((db) => objectsOf(db, uid)),
        deliveries: await context.read((db) => deliveriesOf(db, uid)),
        feedback: await context.read((db) => feedbackOf(db, uid)),
        events: await context.read((db) => eventsOf(db, uid)),
      };
    },

    countByState: () =>
      context.read(async (db) => {
        const rows = await db
          .selectFrom('studies')
          .select((select) => ['state', select.fn.countAll<number>().as('count')])
          .groupBy('state')
          .execute();
        const counts = Object.fromEntries(STUDY_STATES.map((state) => [state, 0]));
        for (const row of rows) counts[row.state] = row.count;
        return counts as Record<StudyState, number>;
      }),

    waiting: () =>
      context.read(async (db) => ({
        stat: await countWaiting(db, 'stat'),
        routine: await countWaiting(db, 'routine'),
      })),

    oldestWaiting: () =>
      context.read(async (db) => ({
        stat: await oldestDue(db, 'stat'),
        routine: await oldestDue(db, 'routine'),
      })),
  };
}

async function countWaiting(db: Db, priority: Priority): Promise<number> {
  const { count } = await db
    .selectFrom('studies')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('state', '=', sql.lit('queued'))
    .where('priority', '=', priorityNumber(priority))
    .executeTakeFirstOrThrow();
  return count;
}

async function oldestDue(db: Db, priority: Priority): Promise<Instant | null> {
  const row = await db
    .selectFrom('studies')
    .select('due_at')
    .where('state', '=', sql.lit('queued'))
    .where('priority', '=', priorityNumber(priority))
    .orderBy('due_at')
    .limit(1)
    .executeTakeFirst();
  return row?.due_at ?? null;
}

/** How many rows of a list are given. */
export function clampedLimit(asked = DEFAULT_LIMIT): number {
  return Math.min(Math.max(Math.trunc(asked), 1), MOST);
}

async function page(db: Db, filter: StudyFilter): Promise<StudyPage> {
  const limit = clampedLimit(filter.limit);
  let query = db.selectFrom('studies').selectAll();
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.since !== undefined) query = query.where('noticed_at', '>=', filter.since);
  if (filter.cursor !== undefined) {
    const { noticedAt, uid } = parseCursor(filter.cursor);
    query = query.where(sql<boolean>`(noticed_at, study_uid) < (${noticedAt}, ${uid})`);
  }
  const rows = await query
    .orderBy('noticed_at', 'desc')
    .orderBy('study_uid', 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(db, rows, limit, cursorAfter);
}

/**
 * A page of a list.
 *
 * @param rows one more than the page holds, where there are more
 */
export async function pageOf<Row extends StudyRow>(
  db: Db,
  rows: readonly Row[],
  limit: number,
  cursorAfter: (row: Row) => string,
): Promise<StudyPage> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    studies: await withDeliveries(db, shown),
    next: rows.length > limit && last !== undefined ? cursorAfter(last) : null,
  };
}

/**
 * The place in the list after a study: time of notice and UID, neither of which ever changes, so a page goes on
 * where the last ended whatever came or changed in between.
 */
function cursorAfter(row: StudyRow): string {
  return Buffer.from(`${row.noticed_at} ${row.study_uid}`).toString('base64url');
}

function parseCursor(cursor: string): { noticedAt: Instant; uid: StudyUid } {
  const match = /^(\d{1,15}) ([\d.]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  if (match?.[1] === undefined || match[2] === undefined) throw new DeepHealthError('ledger.cursor-invalid');
  return { noticedAt: Number(match[1]), uid: studyUid(match[2]) };
}

async function withDeliveries(db: Db, rows: readonly StudyRow[]): Promise<Study[]> {
  const counts = new Map<StudyUid, Record<DeliveryState, number>>();
  for (const row of rows) counts.set(row.study_uid, { pending: 0, sent: 0, parked: 0 });
  if (rows.length > 0) {
    const found = await db
      .selectFrom('deliveries')
      .select((select) => ['study_uid', 'run', 'state', select.fn.countAll<number>().as('count')])
      .where(
        'study_uid',
        'in',
        rows.map((row) => row.study_uid),
      )
      .groupBy(['study_uid', 'run', 'state'])
      .execute();
    const runs = new Map(rows.map((row) => [row.study_uid, row.run]));
    for (const { study_uid: uid, run, state, count } of found) {
      const entry = counts.get(uid);
      // What was parked in an earlier run was superseded by the present one.
      if (entry !== undefined && (state !== 'parked' || run === runs.get(uid))) entry[state] += count;
    }
  }
  return rows.map((row) => studyOf(row, counts.get(row.study_uid) ?? { pending: 0, sent: 0, parked: 0 }));
}

async function eventsOf(db: Db, uid: StudyUid) {
  const rows = await db.selectFrom('events').selectAll().where('study_uid', '=', uid).orderBy('id').execute();
  return rows.map((row) => ({
    at: row.at,
    run: row.run,
    kind: row.kind,
    subject: row.subject,
    reason: reasonOf(row),
  }));
}
