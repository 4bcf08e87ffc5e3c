import { isDeepStrictEqual } from 'node:util';
import type { Model } from '../ai/classify.ts';
import type { Config } from '../config/schema.ts';
import { DeepHealthError } from '../errors/error.ts';
import { type OpenAudit, openAuditTrail } from './audit-trail.ts';
import type { Context } from './context.ts';
import { openModel, openShadow } from './resources.ts';
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
    model: { ...model, shadow: undefined },
    triage: report.triage,
  });
  return !isDeepStrictEqual(ofModel(before), ofModel(after));
}

/** Whether the model that reads along has to be loaded anew. */
function shadowChanged(before: Config, after: Config): boolean {
  return (
    before.model.shadow !== after.model.shadow ||
    (after.model.shadow !== undefined &&
      modelChanged(
        { ...before, model: { ...before.model, path: '' } },
        { ...after, model: { ...after.model, path: '' } },
      ))
  );
}

export interface Prepared {
  readonly site: Site;
  /** Undefined where the present one stays. */
  readonly model: Model | undefined;
  /** Undefined where what reads along stays as it is; null where nothing does from now on. */
  readonly shadow: Model | null | undefined;
  /** Undefined where the audit trail stays. */
  readonly audit: OpenAudit | undefined;
}

/**
 * Opens everything that another configuration needs, before anything is changed.
 *
 * @param reads whether this process reads and so has a model
 * @throws DeepHealthError `service.reload-refused`, `service.certificate`, `model.*`, `engine.*`, `audit.file`
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
  const before = inForce.config;
  let [model, shadow]: [Model | undefined, Model | null | undefined] = [undefined, undefined];
  try {
    if (reads && modelChanged(before, next)) model = await openModel(next);
    if (reads && shadowChanged(before, next)) shadow = (await openShadow(next)) ?? null;
    const sameAudit =
      isDeepStrictEqual(before.observe.audit, next.observe.audit) &&
      before.report.station === next.report.station;
    const audit = sameAudit
      ? undefined
      : await openAuditTrail(next, { folder: folder.path, worker: context.worker, log });
    return { site, model, shadow, audit };
  } catch (error) {
    await Promise.all([site.close(), model?.close(), shadow?.close()]);
    throw error;
  }
}
