import type { ColumnTypes, Migration } from './migration.ts';

/** How often a promised look failed, and since when: it is given up at some time. */
export const lookFailures: Migration = {
  number: 5,
  name: 'look-failures',
  statements: ({ integer }: ColumnTypes) => [
    `alter table looks add column failures ${integer} not null default 0`,
    `alter table looks add column first_failed_at ${integer}`,
  ],
};
