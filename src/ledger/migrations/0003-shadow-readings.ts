import type { ColumnTypes, Migration } from './migration.ts';

/** Readings of a model that reads along; apart from the others, so that nothing takes them for results. */
export const shadowReadings: Migration = {
  number: 3,
  name: 'shadow-readings',
  statements: ({ integer, text, uid, table }: ColumnTypes) => [
    `create table shadow_readings (
      study_uid ${uid} not null references studies on delete cascade,
      run ${integer} not null,
      sop_uid ${uid} not null,
      model_sha256 ${text} not null,
      reading ${text} not null,
      inferred_at ${integer} not null,
      primary key (study_uid, run, sop_uid, model_sha256)
    ) ${table}`,
  ],
};
