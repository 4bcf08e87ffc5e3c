import type { Migration } from './migration.ts';

/** Results on disk found by their path. */
export const resultFiles: Migration = {
  number: 4,
  name: 'result-files',
  statements: () => ['create index objects_files on objects (path) where path is not null'],
};
