import type { ColumnTypes, Migration } from './migration.ts';

/** Studies, instances, readings, report objects, deliveries, history, feedback, polls. */
export const initial: Migration = {
  number: 1,
  name: 'initial',
  statements: (types) => [...studies(types), ...reports(types), ...deliveries(types), ...remarks(types)],
};

function studies({ integer, text, uid, table }: ColumnTypes): string[] {
  return [
    `create table studies (
      study_uid ${uid} primary key,
      run ${integer} not null,
      state ${text} not null check (state in
        ('settling', 'queued', 'reading', 'reported', 'delivered', 'skipped', 'failed')),
      priority ${integer} not null check (priority in (0, 1)),
      source_kind ${text} not null,
      source_pacs ${text},
      settle_at ${integer},
      due_at ${integer},
      published_at ${integer},
      worker ${text},
      lease_until ${integer},
      fence ${integer} not null,
      deaths ${integer} not null,
      attempts ${integer} not null,
      first_attempt_at ${integer},
      reason_code ${text},
      reason_message ${text},
      instance_count ${integer} not null,
      film_count ${integer} not null,
      noticed_at ${integer} not null,
      last_instance_at ${integer},
      changed_at ${integer} not null,
      summary ${text},
      display ${text},
      check (state <> 'queued' or due_at is not null),
      check (state <> 'reading' or (worker is not null and lease_until is not null)),
      check (state not in ('skipped', 'failed') or reason_code is not null)
    ) ${table}`,
    // The ways in which work is found: each index holds only the studies in that state, so what ended long
    // ago costs nothing. (The state among the columns makes SQLite prefer them to the others.)
    `create index studies_settling on studies (state, settle_at) where state = 'settling'`,
    `create index studies_waiting on studies (priority, due_at) where state = 'queued'`,
    `create index studies_unpublished on studies (priority, due_at)
      where state = 'queued' and published_at is null`,
    `create index studies_leased on studies (state, lease_until) where state = 'reading'`,
    // For lists (with and without a state), counts and retention.
    `create index studies_noticed on studies (noticed_at, study_uid)`,
    `create index studies_state_noticed on studies (state, noticed_at, study_uid)`,
    `create index studies_state_changed on studies (state, changed_at)`,
    `create table instances (
      study_uid ${uid} not null references studies on delete cascade,
      sop_uid ${uid} not null,
      series_uid ${text} not null,
      sop_class_uid ${text} not null,
      role ${text} not null check (role in ('film', 'other')),
      location_kind ${text} not null check (location_kind in ('file', 'pacs', 'gone')),
      location ${text},
      sha256 ${text},
      bytes ${integer},
      seen_at ${integer} not null,
      selection ${text} check (selection in ('read', 'left-out', 'unreadable')),
      reason_code ${text},
      reason_message ${text},
      primary key (study_uid, sop_uid)
    ) ${table}`,
  ];
}

function reports({ id, integer, text, uid, blob, table }: ColumnTypes): string[] {
  return [
    `create table readings (
      study_uid ${uid} not null references studies on delete cascade,
      run ${integer} not null,
      sop_uid ${uid} not null,
      model_sha256 ${text} not null,
      reading ${text} not null,
      inferred_at ${integer} not null,
      primary key (study_uid, run, sop_uid)
    ) ${table}`,
    `create table objects (
      id ${id},
      study_uid ${uid} not null references studies on delete cascade,
      run ${integer} not null,
      kind ${text} not null,
      uid ${text} not null,
      series_uid ${text},
      sop_class_uid ${text},
      path ${text},
      sha256 ${text} not null,
      bytes ${integer} not null,
      made_at ${integer} not null,
      unique (study_uid, kind, uid)
    ) ${table}`,
    `create table object_bytes (
      object_id ${integer} primary key references objects on delete cascade,
      content ${blob} not null
    ) ${table}`,
  ];
}

function deliveries({ id, integer, text, uid, table }: ColumnTypes): string[] {
  return [
    `create table deliveries (
      id ${id},
      study_uid ${uid} not null references studies on delete cascade,
      run ${integer} not null,
      destination ${text} not null,
      via ${text} not null,
      object_id ${integer} not null references objects on delete cascade,
      state ${text} not null check (state in ('pending', 'sent', 'parked')),
      priority ${integer} not null,
      blockers ${integer} not null,
      attempts ${integer} not null,
      next_attempt_at ${integer} not null,
      worker ${text},
      fence ${integer} not null,
      reason_code ${text},
      reason_message ${text},
      created_at ${integer} not null,
      first_attempt_at ${integer},
      ended_at ${integer},
      unique (object_id, destination)
    ) ${table}`,
    `create index deliveries_due on deliveries (destination, priority, next_attempt_at, id)
      where state = 'pending' and blockers = 0`,
    `create index deliveries_pending on deliveries (destination, created_at) where state = 'pending'`,
    `create index deliveries_parked on deliveries (destination) where state = 'parked'`,
    `create index deliveries_of_study on deliveries (study_uid)`,
    `create table delivery_waits (
      delivery_id ${integer} not null references deliveries on delete cascade,
      on_id ${integer} not null references deliveries on delete cascade,
      until_sent ${integer} not null,
      primary key (delivery_id, on_id)
    ) ${table}`,
    `create index delivery_waits_on on delivery_waits (on_id)`,
  ];
}

function remarks({ id, integer, text, uid, table }: ColumnTypes): string[] {
  return [
    `create table events (
      id ${id},
      study_uid ${uid} not null references studies on delete cascade,
      run ${integer} not null,
      at ${integer} not null,
      kind ${text} not null,
      subject ${text},
      reason_code ${text},
      reason_message ${text}
    ) ${table}`,
    `create index events_of_study on events (study_uid, id)`,
    `create table feedback (
      id ${id},
      study_uid ${uid} not null references studies on delete cascade,
      run ${integer} not null,
      at ${integer} not null,
      agree ${integer} not null,
      label ${text},
      comment ${text},
      author ${text}
    ) ${table}`,
    `create index feedback_of_study on feedback (study_uid, id)`,
    `create table poll_cursors (
      pacs ${text} primary key,
      cursor ${text} not null
    ) ${table}`,
    `create table poll_observations (
      pacs ${text} not null,
      study_uid ${uid} not null,
      instances ${integer} not null,
      polls ${integer} not null,
      at ${integer} not null,
      primary key (pacs, study_uid)
    ) ${table}`,
    `create index poll_observations_at on poll_observations (at)`,
  ];
}
