import { sql } from 'kysely';
import type { Reading } from '../ai/reading.ts';
import type { Db, LedgerContext, Trx } from './context.ts';
import { storable, storableOrNull } from './rows.ts';
import type { ObjectRow } from './schema.ts';
import type {
  Ledger,
  NewReading,
  NewReportObject,
  RecentReading,
  RecordedReading,
  ReportObject,
  StudyClaim,
} from './types.ts';
import type { StudyUid } from './uids.ts';

/** What was read and what was made of it. */
export function readings(context: LedgerContext): Ledger['readings'] {
  return {
    addShadow: (studyUid, run, readings) =>
      context.write(async (trx) => {
        const study = await trx
          .selectFrom('studies')
          .select('study_uid')
          .where('study_uid', '=', studyUid)
          .executeTakeFirst();
        if (study === undefined || readings.length === 0) return;
        await trx
          .insertInto('shadow_readings')
          .values(readings.map((reading) => readingRow(studyUid, run, reading)))
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }),
    recent: (studies) => context.read((db) => recentReadings(db, studies)),
    latest: (studyUid) =>
      context.read(async (db) => {
        const all = await readingsOf(db, studyUid);
        const run = all.at(-1)?.run;
        return all.filter((reading) => reading.run === run);
      }),
    objects: (studyUid) => context.read((db) => objectsOf(db, studyUid)),
    bytes: (objectId) =>
      context.read(async (db) => {
        const query = db.selectFrom('object_bytes').where('object_id', '=', objectId);
        if (context.dialect === 'sqlite') return (await query.select('content').executeTakeFirst())?.content;
        // The driver reads text only: two thirds of what hexadecimal digits would be.
        const row = await query
          .select(sql<string>`encode(content, 'base64')`.as('content'))
          .executeTakeFirst();
        return row && Buffer.from(row.content, 'base64');
      }),
  };
}

/** A reading as it is kept. */
export function readingRow(studyUid: StudyUid, run: number, { sopUid, reading, inferredAt }: NewReading) {
  return {
    study_uid: studyUid,
    run,
    sop_uid: sopUid,
    model_sha256: reading.model.sha256,
    reading: JSON.stringify(reading),
    inferred_at: inferredAt,
  };
}

/** Found by the events, which are in the order of time, so that a large ledger costs no more than a small one. */
async function recentReadings(db: Db, studies: number): Promise<RecentReading[]> {
  const reported = db
    .selectFrom('events')
    .select(['study_uid', 'run'])
    .where('kind', '=', sql.lit('reported'))
    .orderBy('id', 'desc')
    .limit(studies)
    .as('reported');
  const rows = await db
    .selectFrom(reported)
    .innerJoin('readings', (join) =>
      join.onRef('readings.study_uid', '=', 'reported.study_uid').onRef('readings.run', '=', 'reported.run'),
    )
    .innerJoin('studies', 'studies.study_uid', 'reported.study_uid')
    .select(['studies.source_pacs', 'readings.reading'])
    .execute();
  return rows.map((row) => ({ pacs: row.source_pacs, reading: JSON.parse(row.reading) as Reading }));
}

/** The readings of all runs, in the order of the runs; of the model in force, or of one that read along. */
export async function readingsOf(
  db: Db,
  studyUid: StudyUid,
  table: 'readings' | 'shadow_readings' = 'readings',
): Promise<RecordedReading[]> {
  const rows = await db
    .selectFrom(table)
    .selectAll()
    .where('study_uid', '=', studyUid)
    .orderBy('run')
    .orderBy('sop_uid')
    .execute();
  return rows.map((row) => {
    const reading = JSON.parse(row.reading) as Reading;
    return { run: row.run, sopUid: row.sop_uid, model: reading.model, reading, inferredAt: row.inferred_at };
  });
}

export async function objectsOf(db: Db, studyUid: StudyUid): Promise<ReportObject[]> {
  const rows = await db
    .selectFrom('objects')
    .selectAll()
    .where('study_uid', '=', studyUid)
    .orderBy('id')
    .execute();
  return rows.map(objectOf);
}

export function objectOf(row: ObjectRow): ReportObject {
  return {
    id: row.id,
    run: row.run,
    kind: row.kind,
    uid: row.uid,
    seriesUid: row.series_uid,
    sopClassUid: row.sop_class_uid,
    body: row.path === null ? { kind: 'inline' } : { kind: 'file', path: row.path },
    sha256: row.sha256,
    bytes: row.bytes,
    madeAt: row.made_at,
  };
}

/**
 * Enters made objects; gives the row of each by its key. An object that the study has already keeps its first
 * bytes, which may be stored in a PACS under that UID.
 */
export async function enterObjects(
  { now }: LedgerContext,
  trx: Trx,
  claim: StudyClaim,
  objects: readonly NewReportObject[],
): Promise<ReadonlyMap<string, number>> {
  if (objects.length === 0) return new Map();
  const known = await trx
    .selectFrom('objects')
    .select(['id', 'kind', 'uid'])
    .where('study_uid', '=', claim.studyUid)
    .execute();
  const ids = new Map(known.map(({ id, kind, uid }) => [identity(kind, uid), id]));
  const fresh = new Map<string, NewReportObject>();
  for (const object of objects) {
    const identified = identity(object.kind, storable(object.uid));
    if (!ids.has(identified) && !fresh.has(identified)) fresh.set(identified, object);
  }
  for (const row of await insertObjects(trx, claim, [...fresh.values()], now())) {
    ids.set(identity(row.kind, row.uid), row.id);
  }
  await insertBytes(trx, ids, fresh);
  return new Map(
    objects.map(({ key, kind, uid }) => {
      const id = ids.get(identity(kind, storable(uid)));
      if (id === undefined) throw new Error('an object that was just entered is not there');
      return [key, id];
    }),
  );
}

function identity(kind: NewReportObject['kind'], uid: string): string {
  return `${kind} ${uid}`;
}

async function insertObjects(
  trx: Trx,
  claim: StudyClaim,
  objects: readonly NewReportObject[],
  madeAt: number,
): Promise<Pick<ObjectRow, 'id' | 'kind' | 'uid'>[]> {
  if (objects.length === 0) return [];
  return trx
    .insertInto('objects')
    .values(
      objects.map((object) => ({
        study_uid: claim.studyUid,
        run: claim.run,
        kind: object.kind,
        uid: storable(object.uid),
        series_uid: storableOrNull(object.seriesUid),
        sop_class_uid: storableOrNull(object.sopClassUid),
        path: object.body.kind === 'file' ? object.body.path : null,
        sha256: object.sha256,
        bytes: object.bytes,
        made_at: madeAt,
      })),
    )
    .returning(['id', 'kind', 'uid'])
    .execute();
}

async function insertBytes(
  trx: Trx,
  ids: ReadonlyMap<string, number>,
  fresh: ReadonlyMap<string, NewReportObject>,
): Promise<void> {
  const rows = [...fresh].flatMap(([identified, { body }]) => {
    const id = ids.get(identified);
    return body.kind === 'inline' && id !== undefined ? [{ object_id: id, content: body.bytes }] : [];
  });
  if (rows.length > 0) await trx.insertInto('object_bytes').values(rows).execute();
}
