import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/schema.ts';

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
export function needsRestart(before: Config, after: Config): string[] {
  return FIXED.filter(([, at]) => !isDeepStrictEqual(at(before), at(after))).map(([key]) => key);
}

/** Whether the model has to be loaded anew. */
export function modelChanged(before: Config, after: Config): boolean {
  const ofModel = ({ model: { batch: _batch, ...model }, report }: Config) => ({
    model,
    triage: report.triage,
  });
  return !isDeepStrictEqual(ofModel(before), ofModel(after));
}
