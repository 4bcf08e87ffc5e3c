import type { Config } from '../config/schema.ts';
import type { NewDelivery, ReportObjectKind, Source } from '../ledger/types.ts';
import { FOLDER } from './to-folder.ts';

/** A made object; an ORU is written for one receiver, or for none (null: the outbox). */
export interface MadeObject {
  readonly key: string;
  readonly kind: ReportObjectKind;
  readonly receiver?: string | null;
}

/**
 * The archives that the results of a study go to: those that `report.to` names, else the one it came from,
 * else (pushed to us) every one that takes results. The first is the one whose SR an ORU announces.
 */
export function archivesOf(config: Pick<Config, 'pacs' | 'report'>, source: Source): readonly string[] {
  if (config.report.to !== undefined) return config.report.to;
  const storing = config.pacs.filter(({ store }) => store).map(({ name }) => name);
  if (source.pacs === null) return storing;
  return storing.filter((name) => name === source.pacs);
}

/** The receivers that a message is made for: the configured ones, or the outbox where nothing is configured. */
export function receiversOf(
  config: Pick<Config, 'pacs' | 'ris' | 'report'>,
  source: Source,
): readonly (Config['ris'][number] | null)[] {
  if (config.ris.length > 0) return config.ris;
  return archivesOf(config, source).length > 0 ? [] : [null];
}

/** Whether an archive takes results: by its own word, or because `report.to` names it. */
export function takesResults(
  { name, store }: Pick<Config['pacs'][number], 'name' | 'store'>,
  { report }: Pick<Config, 'report'>,
): boolean {
  return store || report.to?.includes(name) === true;
}

/** Everything that results can go to. What the ledger has for others waits until somebody says what becomes of it. */
export function destinationsOf(
  config: Pick<Config, 'pacs' | 'ris' | 'report'>,
): readonly Pick<NewDelivery, 'destination' | 'via'>[] {
  const archives = config.pacs.filter((pacs) => takesResults(pacs, config));
  return [
    { destination: FOLDER, via: 'folder' },
    ...archives.map(({ name }) => ({ destination: name, via: 'pacs' }) as const),
    ...config.ris.map(({ name }) => ({ destination: name, via: 'ris' }) as const),
  ];
}

const ORDER: Readonly<Record<ReportObjectKind, number>> = {
  'heat-map': 0,
  'sr-text': 1,
  'sr-air': 2,
  oru: 3,
};

/**
 * Which object goes where, in which order: heat maps before the SRs that point to them, and an ORU only after
 * the SRs are stored in the first archive (an ORU must never announce an SR that is not there). Without a
 * PACS the outbox folder takes its place.
 */
export function planDeliveries(
  objects: readonly MadeObject[],
  config: Pick<Config, 'pacs' | 'report'>,
  source: Source,
): NewDelivery[] {
  const archives = archivesOf(config, source);
  const homes =
    archives.length > 0
      ? archives.map((name) => ({ destination: name, via: 'pacs' as const }))
      : [{ destination: FOLDER, via: 'folder' as const }];
  const documents = objects
    .filter(({ kind }) => kind !== 'oru')
    .toSorted((a, b) => ORDER[a.kind] - ORDER[b.kind]);
  const stored = homes.flatMap((home) =>
    documents.map(({ key }) => ({ key: `${home.destination} ${key}`, ...home, object: key })),
  );
  const after = documents
    .filter(({ kind }) => kind !== 'heat-map')
    .map(({ key }) => `${homes[0]?.destination ?? FOLDER} ${key}`);
  const announced = objects
    .filter(({ kind }) => kind === 'oru')
    .map(({ key, receiver = null }) => ({
      key: `message ${key}`,
      destination: receiver ?? FOLDER,
      via: receiver === null ? ('folder' as const) : ('ris' as const),
      object: key,
      after,
    }));
  return [...stored, ...announced];
}
