import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { type ResourceLimits, Worker } from 'node:worker_threads';

export interface ThreadOptions {
  readonly name: string;
  /** What the module finds in `workerData`. */
  readonly seed?: object;
  readonly resourceLimits: ResourceLimits;
  /** Default: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a thread that runs a module, with the compile cache of this process.
 *
 * @throws when there is no thread to be had
 */
export function startThread(module: URL, { name, seed, resourceLimits, env }: ThreadOptions): Worker {
  // Node adds a folder of its version.
  const cache = getCompileCacheDir();
  const thread = { module: module.href, compileCache: cache === undefined ? undefined : dirname(cache) };
  return new Worker(new URL('./thread-entry.js', import.meta.url), {
    name,
    workerData: { ...seed, thread },
    execArgv: [],
    resourceLimits,
    ...(env === undefined ? {} : { env }),
  });
}
