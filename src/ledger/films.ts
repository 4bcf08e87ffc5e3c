import { sql } from 'kysely';
import type { LedgerContext, Trx } from './context.ts';
import { locationColumns, locationOf, selectionColumns, selectionOf, storable } from './rows.ts';
import type { InstanceRow } from './schema.ts';
import type { Instance, InstanceNotice, InstanceOutcome, Ledger, Selection } from './types.ts';
import type { InstanceUid, StudyUid } from './uids.ts';

/** Rows of one statement: both databases limit the number of its parameters. */
const CHUNK = 200;

export function films(context: LedgerContext): Ledger['films'] {
  return {
    list: (studyUid) =>
      context.read(async (db) => {
        const rows = await db
          .selectFrom('instances')
          .selectAll()
          .where('study_uid', '=', studyUid)
          .orderBy('seen_at')
          .orderBy('sop_uid')
          .execute();
        return rows.map(instanceOf);
      }),

    known: (studyUid, sopUids) =>
      context.read(async (db) => {
        const found = new Set<InstanceUid>();
        for (const chunk of chunks(sopUids)) {
          const rows = await db
            .selectFrom('instances')
            .select('sop_uid')
            .where('study_uid', '=', studyUid)
            .where('sop_uid', 'in', chunk)
            .execute();
          for (const row of rows) found.add(row.sop_uid);
        }
        return found;
      }),

    recorded: (paths) =>
      context.read(async (db) => {
        const found = new Set<string>();
        for (const chunk of chunks(paths)) {
          const rows = await db
            .selectFrom('instances')
            .select('location')
            .where('location_kind', '=', sql.lit('file'))
            .where('location', 'in', chunk)
            .execute();
          for (const { location } of rows) if (location !== null) found.add(location);
          const results = await db.selectFrom('objects').select('path').where('path', 'in', chunk).execute();
          for (const { path } of results) if (path !== null) found.add(path);
        }
        return found;
      }),

    bytesRemoved: (studyUid, location) =>
      context.write(async (trx) => {
        await trx
          .updateTable('instances')
          .set(locationColumns(location))
          .where('study_uid', '=', studyUid)
          .where('location_kind', '=', 'file')
          .execute();
      }),
  };
}

/** What became of the instances of one notice or report. */
export interface Entry {
  readonly outcomes: readonly InstanceOutcome[];
  readonly added: number;
  readonly addedFilms: number;
  /** Films that could not be read and came again with other bytes. */
  readonly mendedFilms: number;
}

/**
 * Enters instances under a study whose row is locked. What is known stays as it is, but for what it lacked:
 * the digest, and bytes on our own disk instead of in a PACS. Only a film that could not be read (cut off on its
 * way, say) gives way to other bytes, or its sender could never mend it.
 */
export async function enterInstances(
  { now }: LedgerContext,
  trx: Trx,
  studyUid: StudyUid,
  notices: readonly (InstanceNotice & { readonly selection?: Selection })[],
): Promise<Entry> {
  const outcomes: InstanceOutcome[] = [];
  let added = 0;
  let addedFilms = 0;
  let mendedFilms = 0;
  for (const chunk of chunks(notices)) {
    const rows = await trx
      .selectFrom('instances')
      .selectAll()
      .where('study_uid', '=', studyUid)
      .where(
        'sop_uid',
        'in',
        chunk.map((notice) => notice.sopUid),
      )
      .execute();
    const known = new Map(rows.map((row) => [row.sop_uid, row]));
    const fresh: InstanceRow[] = [];
    for (const notice of chunk) {
      const row = known.get(notice.sopUid);
      if (row === undefined) {
        const entered = rowOf(studyUid, notice, now());
        fresh.push(entered);
        known.set(notice.sopUid, entered);
        added += 1;
        if (notice.role === 'film') addedFilms += 1;
        outcomes.push({ kind: 'added' });
      } else if (mends(row, notice)) {
        const mended = rowOf(studyUid, notice, now());
        await trx
          .updateTable('instances')
          .set(mended)
          .where('study_uid', '=', studyUid)
          .where('sop_uid', '=', notice.sopUid)
          .execute();
        known.set(notice.sopUid, mended);
        if (notice.role === 'film') mendedFilms += 1;
        outcomes.push({ kind: 'added' });
      } else {
        outcomes.push(await meetKnown(trx, row, notice));
      }
    }
    if (fresh.length > 0) await trx.insertInto('instances').values(fresh).execute();
  }
  return { outcomes, added, addedFilms, mendedFilms };
}

/** Whether bytes that came take the place of known ones that could not be read. */
function mends(row: InstanceRow, notice: InstanceNotice & { readonly selection?: Selection }): boolean {
  return (
    row.selection === 'unreadable' &&
    notice.selection === undefined &&
    row.sha256 !== null &&
    notice.sha256 !== null &&
    row.sha256 !== notice.sha256
  );
}

async function meetKnown(
  trx: Trx,
  row: InstanceRow,
  notice: InstanceNotice & { readonly selection?: Selection },
): Promise<InstanceOutcome> {
  const conflict = row.sha256 !== null && notice.sha256 !== null && row.sha256 !== notice.sha256;
  const nearer = !conflict && row.location_kind !== 'file' && notice.location.kind === 'file';
  const firstDigest = row.sha256 === null && notice.sha256 !== null;
  if (nearer || firstDigest || notice.selection !== undefined) {
    await trx
      .updateTable('instances')
      .set({
        ...(nearer ? locationColumns(notice.location) : {}),
        ...(firstDigest ? { sha256: notice.sha256, bytes: notice.bytes } : {}),
        ...(notice.selection === undefined ? {} : selectionColumns(notice.selection)),
      })
      .where('study_uid', '=', row.study_uid)
      .where('sop_uid', '=', row.sop_uid)
      .execute();
  }
  return conflict && row.sha256 !== null
    ? { kind: 'conflict', knownSha256: row.sha256 }
    : { kind: 'duplicate' };
}

function rowOf(
  studyUid: StudyUid,
  notice: InstanceNotice & { readonly selection?: Selection },
  seenAt: number,
): InstanceRow {
  return {
    study_uid: studyUid,
    sop_uid: notice.sopUid,
    series_uid: storable(notice.seriesUid),
    sop_class_uid: storable(notice.sopClassUid),
    role: notice.role,
    ...locationColumns(notice.location),
    sha256: notice.sha256,
    bytes: notice.bytes,
    seen_at: seenAt,
    ...selectionColumns(notice.selection ?? null),
  };
}

function instanceOf(row: InstanceRow): Instance {
  return {
    sopUid: row.sop_uid,
    seriesUid: row.series_uid,
    sopClassUid: row.sop_class_uid,
    role: row.role,
    location: locationOf(row),
    sha256: row.sha256,
    bytes: row.bytes,
    seenAt: row.seen_at,
    selection: selectionOf(row),
  };
}

function* chunks<Item>(list: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < list.length; at += CHUNK) yield list.slice(at, at + CHUNK);
}
