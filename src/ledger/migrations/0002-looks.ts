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
    `create index looks_due on looks (due_at)`,
    `create index instances_files on instances (location) where location_kind = 'file'`,
  ],
};
