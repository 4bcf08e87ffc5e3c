import type { ColumnTypes, Migration } from './migration.ts';

/** Promised looks at archives, for whichever process is there to make them; films on disk found by their path. */
export const looks: Migration = {
  number: 2,
  name: 'looks',
  statements: ({ integer, text, uid, table }: ColumnTypes) => [
    `create table looks (
      study_uid ${uid} primary key,
      pacs ${text},
      priority ${integer} not null check (priority in (0, 1)),
      fence ${integer} not null,
      due_at ${integer} not null
    ) ${table}`,
    // Held the promised looks of each process in one text.
    `drop table poll_cursors`,
    // Deliveries that came to wait for later ones, which wait for them.
    `delete from delivery_waits where on_id > delivery_id`,
    `update deliveries set blockers = (
      select count(*) from delivery_waits w join deliveries o on o.id = w.on_id
      where w.delivery_id = deliveries.id
        and (o.state = 'pending' or (w.until_sent = 1 and o.state <> 'sent')))
      where state = 'pending'`,
    `create index looks_due on looks (due_at)`,
    `create index instances_files on instances (location) where location_kind = 'file'`,
  ],
};
