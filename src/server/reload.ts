import { isDeepStrictEqual } from 'node:util';
import type { Model } from '../ai/classify.ts';
import type { Config } from '../config/schema.ts';
import { DeepHealthError } from '../errors/error.ts';
import type { Context } from './context.ts';
import { openModel } from './resources.ts';
import { openSite, type Site } from './site.ts';

/** Keys that are in force from start to end of the process. */
const FIXED: readonly (readonly [string, (config: Config) => unknown])[] = [
  ['server.host', ({ server }) => server.host],
  ['server.port', ({ server }) => server.port],
  ['server.tls', ({ server }) => server.tls],
  ['server.connections', ({ server }) => server.connections],
  ['queue', ({ queue }) => queue],
  ['ledger', ({ ledger }) => ledger],
  ['storage.folder', ({ storage }) => storage.folder],
  ['observe.log.pretty', ({ observe }) => observe.log.pretty],
];

/** The keys in which a new configuration differs and that only a restart can change. */
function needsRestart(before: Config, after: Config): string[] {
  return FIXED.filter(([, at]) => !isDeepStrictEqual(at(before), at(after))).map(([key]) => key);
}

/** Whether the model has to be loaded anew. */
function modelChanged(before: Config, after: Config): boolean {
  const ofModel = ({ model: { batch: _batch, ...model }, report }: Config) => ({
    model,
    triage: report.triage,
  });
  return !isDeepStrictEqual(ofModel(before), ofModel(after));
}

export interface Prepared {
  readonly site: Site;
  /** Undefined where the present one stays. */
  readonly model: Model | undefined;
}

/**
 * Opens everything that another configuration needs, before anything is changed.
 *
 * @param reads whether this process reads and so has a model
 * @throws DeepHealthError `service.reload-refused`, `service.certificate`, `model.*`, `engine.*`
 */
export async function prepareReload(next: Config, reads: boolean, context: Context): Promise<Prepared> {
  const { inForce, folder, log } = context;
  if (context.stopping) throw new DeepHealthError('service.stopping');
  const fixed = needsRestart(inForce.config, next);
  if (fixed.length > 0) {
    const message = `These take a restart: ${fixed.join(', ')}. Nothing was changed.`;
    throw new DeepHealthError('service.reload-refused', message);
  }
  const site = openSite(next, folder, log);
  if (!reads || !modelChanged(inForce.config, next)) return { site, model: undefined };
  try {
    return { site, model: await openModel(next) };
  } catch (error) {
    await site.close();
    throw error;
  }
}
