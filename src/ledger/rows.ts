import type { StudyRow } from './schema.ts';
import type {
  ByteLocation,
  DeliveryState,
  Instance,
  Instant,
  Priority,
  ReadingJob,
  Reason,
  Selection,
  Source,
  Study,
  StudyStatus,
} from './types.ts';

/** Longest reason, comment or name that is kept; what is longer comes from outside and is cut. */
const LONGEST = 2000;

/** Text as both databases can store it: well-formed, without NUL, of bounded length. */
export function storable(text: string): string {
  return text.slice(0, LONGEST).toWellFormed().replaceAll('\0', '');
}

export function storableOrNull(text: string | null): string | null {
  return text === null ? null : storable(text);
}

/** JSON text of something opaque; null stays null. */
export function jsonText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function fromJson(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

export function priorityNumber(priority: Priority): number {
  return priority === 'stat' ? 0 : 1;
}

export function priorityOf(number: number): Priority {
  return number === 0 ? 'stat' : 'routine';
}

export function reasonColumns(reason: Reason | null): {
  reason_code: string | null;
  reason_message: string | null;
} {
  if (reason === null) return { reason_code: null, reason_message: null };
  return { reason_code: storable(reason.code), reason_message: storable(reason.message) };
}

export function reasonOf(row: { reason_code: string | null; reason_message: string | null }): Reason | null {
  return row.reason_code === null ? null : { code: row.reason_code, message: row.reason_message ?? '' };
}

export function jobOf(row: Pick<StudyRow, 'study_uid' | 'run' | 'priority'>): ReadingJob {
  return { studyUid: row.study_uid, run: row.run, priority: priorityOf(row.priority) };
}

/**
 * The columns that say where a study stands; those of the other states are emptied, so that no row holds half
 * of one state and half of another.
 */
export function statusColumns(status: StudyStatus, now: Instant) {
  const columns = {
    state: status.state,
    changed_at: now,
    settle_at: null as number | null,
    due_at: null as number | null,
    published_at: null as number | null,
    worker: null as string | null,
    lease_until: null as number | null,
  };
  switch (status.state) {
    case 'settling':
      return { ...columns, settle_at: status.settleAt };
    case 'queued':
      return { ...columns, due_at: status.dueAt, published_at: status.publishedAt };
    case 'reading':
      return { ...columns, worker: storable(status.worker), lease_until: status.leaseUntil };
    case 'reported':
    case 'delivered':
      return { ...columns, ...reasonColumns(null) };
    case 'skipped':
    case 'failed':
      return { ...columns, ...reasonColumns(status.reason) };
  }
}

function statusOf(row: StudyRow): StudyStatus {
  switch (row.state) {
    case 'settling':
      return { state: 'settling', settleAt: row.settle_at };
    case 'queued':
      return { state: 'queued', dueAt: row.due_at ?? row.changed_at, publishedAt: row.published_at };
    case 'reading':
      return {
        state: 'reading',
        worker: row.worker ?? '',
        leaseUntil: row.lease_until ?? row.changed_at,
      };
    case 'reported':
    case 'delivered':
      return { state: row.state };
    case 'skipped':
    case 'failed':
      return { state: row.state, reason: reasonOf(row) ?? { code: '', message: '' } };
  }
}

export function sourceOf(row: Pick<StudyRow, 'source_kind' | 'source_pacs'>): Source {
  switch (row.source_kind) {
    case 'poll':
      return { kind: 'poll', pacs: row.source_pacs ?? '' };
    case 'receive':
      return { kind: 'receive', pacs: null };
    case 'notify':
      return { kind: 'notify', pacs: row.source_pacs };
  }
}

export function studyOf(row: StudyRow, deliveries: Readonly<Record<DeliveryState, number>>): Study {
  return {
    studyUid: row.study_uid,
    run: row.run,
    status: statusOf(row),
    priority: priorityOf(row.priority),
    source: sourceOf(row),
    instances: row.instance_count,
    films: row.film_count,
    attempts: row.attempts,
    lastFailure: reasonOf(row),
    deliveries,
    noticedAt: row.noticed_at,
    lastInstanceAt: row.last_instance_at,
    changedAt: row.changed_at,
    summary: fromJson(row.summary),
    display: fromJson(row.display),
  };
}

export function locationColumns(location: ByteLocation): {
  location_kind: ByteLocation['kind'];
  location: string | null;
} {
  switch (location.kind) {
    case 'file':
      return { location_kind: 'file', location: location.path };
    case 'pacs':
      return { location_kind: 'pacs', location: location.pacs };
    case 'gone':
      return { location_kind: 'gone', location: null };
  }
}

export function locationOf(row: {
  location_kind: ByteLocation['kind'];
  location: string | null;
}): ByteLocation {
  switch (row.location_kind) {
    case 'file':
      return { kind: 'file', path: row.location ?? '' };
    case 'pacs':
      return { kind: 'pacs', pacs: row.location ?? '' };
    case 'gone':
      return { kind: 'gone' };
  }
}

export function selectionColumns(selection: Selection | null) {
  if (selection === null) return { selection: null, ...reasonColumns(null) };
  if (selection.kind === 'read') return { selection: selection.kind, ...reasonColumns(null) };
  return { selection: selection.kind, ...reasonColumns(selection.reason) };
}

export function selectionOf(row: {
  selection: Selection['kind'] | null;
  reason_code: string | null;
  reason_message: string | null;
}): Instance['selection'] {
  if (row.selection === null) return null;
  if (row.selection === 'read') return { kind: 'read' };
  return { kind: row.selection, reason: reasonOf(row) ?? { code: '', message: '' } };
}
