import { initial } from './0001-initial.ts';
import { looks } from './0002-looks.ts';
import { shadowReadings } from './0003-shadow-readings.ts';
import { resultFiles } from './0004-result-files.ts';
import { lookFailures } from './0005-look-failures.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. A released one is never changed; a change is a new one at the end. */
export const MIGRATIONS: readonly Migration[] = [initial, looks, shadowReadings, resultFiles, lookFailures];
