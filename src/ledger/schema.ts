import type { Generated, Selectable } from 'kysely';
import type { DeliveryState, ReportObjectKind, StudyEvent, StudyState } from './types.ts';
import type { InstanceUid, StudyUid } from './uids.ts';

/** The tables as the newest migration leaves them. Times are milliseconds since the epoch. */
export interface Tables {
  studies: StudiesTable;
  instances: InstancesTable;
  shadow_readings: ReadingsTable;
  readings: ReadingsTable;
  objects: ObjectsTable;
  object_bytes: ObjectBytesTable;
  deliveries: DeliveriesTable;
  delivery_waits: DeliveryWaitsTable;
  events: EventsTable;
  feedback: FeedbackTable;
  poll_observations: PollObservationsTable;
  looks: LooksTable;
  schema_migrations: SchemaMigrationsTable;
}

interface StudiesTable {
  study_uid: StudyUid;
  run: number;
  state: StudyState;
  /** 0 stat, 1 routine: ascending is the order of work. */
  priority: number;
  source_kind: 'poll' | 'receive' | 'notify';
  source_pacs: string | null;
  settle_at: number | null;
  due_at: number | null;
  published_at: number | null;
  worker: string | null;
  lease_until: number | null;
  /** Grows with every claim and whatever takes a claim away; a claim holds only while it is equal. */
  fence: number;
  /** Claims in a row that ended without a word from the worker. */
  deaths: number;
  attempts: number;
  first_attempt_at: number | null;
  reason_code: string | null;
  reason_message: string | null;
  instance_count: number;
  film_count: number;
  noticed_at: number;
  last_instance_at: number | null;
  changed_at: number;
  summary: string | null;
  display: string | null;
}

interface InstancesTable {
  study_uid: StudyUid;
  sop_uid: InstanceUid;
  series_uid: string;
  sop_class_uid: string;
  role: 'film' | 'other';
  location_kind: 'file' | 'pacs' | 'gone';
  /** Path in the data folder, or name of the PACS. */
  location: string | null;
  sha256: string | null;
  bytes: number | null;
  seen_at: number;
  selection: 'read' | 'left-out' | 'unreadable' | null;
  reason_code: string | null;
  reason_message: string | null;
}

interface ReadingsTable {
  study_uid: StudyUid;
  run: number;
  sop_uid: InstanceUid;
  model_sha256: string;
  /** `Reading` as JSON. */
  reading: string;
  inferred_at: number;
}

interface ObjectsTable {
  id: Generated<number>;
  study_uid: StudyUid;
  run: number;
  kind: ReportObjectKind;
  uid: string;
  series_uid: string | null;
  sop_class_uid: string | null;
  /** Path in the data folder; null when the bytes are in `object_bytes`. */
  path: string | null;
  sha256: string;
  bytes: number;
  made_at: number;
}

interface ObjectBytesTable {
  object_id: number;
  content: Uint8Array;
}

interface DeliveriesTable {
  id: Generated<number>;
  study_uid: StudyUid;
  run: number;
  destination: string;
  via: 'pacs' | 'ris' | 'folder';
  object_id: number;
  state: DeliveryState;
  priority: number;
  /** How many deliveries it still waits for; recomputed whenever one of the study changes. */
  blockers: number;
  attempts: number;
  /** While an attempt is under way: the end of its lease. */
  next_attempt_at: number;
  worker: string | null;
  fence: number;
  reason_code: string | null;
  reason_message: string | null;
  created_at: number;
  first_attempt_at: number | null;
  ended_at: number | null;
}

interface DeliveryWaitsTable {
  delivery_id: number;
  on_id: number;
  /** 1: until that one was sent; 0: until it was sent or parked. */
  until_sent: number;
}

interface EventsTable {
  id: Generated<number>;
  study_uid: StudyUid;
  run: number;
  at: number;
  kind: StudyEvent['kind'];
  subject: string | null;
  reason_code: string | null;
  reason_message: string | null;
}

interface FeedbackTable {
  id: Generated<number>;
  study_uid: StudyUid;
  run: number;
  at: number;
  agree: number;
  label: string | null;
  comment: string | null;
  author: string | null;
}

interface PollObservationsTable {
  pacs: string;
  study_uid: StudyUid;
  instances: number;
  /** Polls in a row with this number. */
  polls: number;
  at: number;
}

interface LooksTable {
  study_uid: StudyUid;
  pacs: string | null;
  priority: number;
  /** Grows with every claim and every new promise; a claim ends the look only while it is equal. */
  fence: number;
  /** While the look is made: the end of its lease. */
  due_at: number;
  /** Since it was promised. */
  failures: Generated<number>;
  first_failed_at: number | null;
}

interface SchemaMigrationsTable {
  number: number;
  name: string;
  applied_at: number;
}

export type StudyRow = Selectable<StudiesTable>;
export type InstanceRow = Selectable<InstancesTable>;
export type ObjectRow = Selectable<ObjectsTable>;
export type DeliveryRow = Selectable<DeliveriesTable>;
