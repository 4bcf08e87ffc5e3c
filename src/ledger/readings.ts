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
        const row = await db
          .selectFrom('object_bytes')
          .select('content')
          .where('object_id', '=', objectId)
          .executeTakeFirst();
        return row?.content;
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
  const ids = new Map<string, number>();
  for (const object of objects) {
    const known = await trx
      .selectFrom('objects')
      .select('id')
      .where('study_uid', '=', claim.studyUid)
      .where('kind', '=', object.kind)
      .where('uid', '=', object.uid)
      .executeTakeFirst();
    ids.set(object.key, known?.id ?? (await insertObject(trx, claim, object, now())));
  }
  return ids;
}

async function insertObject(
  trx: Trx,
  claim: StudyClaim,
  object: NewReportObject,
  madeAt: number,
): Promise<number> {
  const { id } = await trx
    .insertInto('objects')
    .values({
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
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  if (object.body.kind === 'inline') {
    await trx.insertInto('object_bytes').values({ object_id: id, content: object.body.bytes }).execute();
  }
  return id;
}
