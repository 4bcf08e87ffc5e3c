import type { Config } from '../config/schema.ts';
import { parseDuration, parseSize } from '../config/units.ts';
import type { FileMemory } from '../files/file-memory.ts';
import type { Arrivals } from '../intake/arrivals.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import type { StorageWatch } from '../intake/storage-watch.ts';
import type { Ledger } from '../ledger/types.ts';
import type { AuditInForce } from '../observe/audit/in-force.ts';
import type { Log } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { StudyKey } from '../observe/study-key.ts';
import type { Queue } from '../queue/types.ts';
import type { JustMade } from '../reading/just-made.ts';
import { type Access, createAccess } from './access.ts';
import type { Site } from './site.ts';

/** What the parts of the daemon share from start to end. */
export interface Context {
  readonly ledger: Ledger;
  readonly queue: Queue;
  readonly folder: DataFolder;
  readonly storage: StorageWatch;
  /** Films that this process received. */
  readonly arrivals: Arrivals;
  /** Where films of the folder are read into. */
  readonly filmMemory: FileMemory;
  /** Results on their way from reader to deliverer; undefined where this process is not both. */
  readonly justMade: JustMade | undefined;
  readonly log: Log;
  readonly keyOf: StudyKey;
  readonly metrics: Metrics;
  readonly audit: AuditInForce;
  /** Name of this process in the ledger. */
  readonly worker: string;
  readonly version: string;
  readonly inForce: InForce;
  /** Aborted when the process must end now. */
  readonly hardStop: AbortController;
  stopping: boolean;
}

/** The configuration that is in force and what follows from it; a reload replaces all of it at once. */
export interface InForce {
  readonly config: Config;
  readonly site: Site;
  readonly access: Access;
  /** Bytes. */
  readonly maxFilm: number;
  readonly maxRequest: number;
  readonly reserve: number;
  /** Milliseconds. */
  readonly settleMs: number;
  readonly retentionMs: number;
  replace(config: Config, site: Site): void;
}

interface Values extends Omit<InForce, 'replace'> {}

/** The checked configuration's sizes and durations parse; what would not stops intake instead of opening it. */
function valuesOf(config: Config, site: Site): Values {
  return {
    config,
    site,
    access: createAccess(config.server),
    maxFilm: parseSize(config.server.maxFilm) ?? 0,
    maxRequest: parseSize(config.server.maxRequest) ?? 0,
    reserve: parseSize(config.storage.reserve) ?? Number.POSITIVE_INFINITY,
    settleMs: parseDuration(config.server.settle) ?? 0,
    retentionMs: parseDuration(config.storage.retention) ?? Number.POSITIVE_INFINITY,
  };
}

export function putInForce(config: Config, site: Site): InForce {
  const values = valuesOf(config, site);
  return Object.assign(values, {
    replace(nextConfig: Config, nextSite: Site) {
      Object.assign(values, valuesOf(nextConfig, nextSite));
    },
  });
}
