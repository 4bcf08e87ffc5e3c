/** The invariants of the service, looked at from outside: its API, QIDO-RS at the archive, the RIS's own record. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type InArchive, listStudies, messagesAtRis, resultsInArchive } from '../load/outside.ts';
import type { Promised } from './senders.ts';
import type { Site } from './site.ts';

/** What is looked at. */
export type Watched = Pick<Site, 'directUrl' | 'orthanc' | 'ris' | 'services'>;

export interface Findings {
  /** Sentences about what must not be; empty when everything holds. */
  readonly violations: string[];
  /** Studies by how they ended. */
  readonly endings: Readonly<Record<string, number>>;
  /** Studies that a person had to take up again, by the code that said why. */
  readonly tookUp: Readonly<Record<string, number>>;
  /** Messages that the RIS got more than once, unchanged. */
  readonly repetitions: number;
}

const ENDED = ['delivered', 'skipped', 'failed'];

/**
 * Waits until every promised study ended. What was parked is taken up once, as a person would after the
 * trouble is over, and counted.
 *
 * @returns codes of what was taken up
 */
export async function settleDown(
  site: Watched,
  promised: ReadonlyMap<string, Promised>,
  patienceMs: number,
): Promise<{ readonly tookUp: Record<string, number>; readonly open: readonly string[] }> {
  const tookUp: Record<string, number> = {};
  const retried = new Set<string>();
  const end = performance.now() + patienceMs;
  for (;;) {
    const studies = await listStudies(site.directUrl).catch(() => undefined);
    const open: string[] = [];
    for (const { study, ending } of promised.values()) {
      const row = studies?.get(study);
      const parked = row !== undefined && row.deliveries.parked > 0;
      const failed = row?.state === 'failed' && ending !== 'failed';
      if ((parked || failed) && !retried.has(study)) {
        retried.add(study);
        const code = failed ? (row.reason?.code ?? 'unknown') : 'parked delivery';
        tookUp[code] = (tookUp[code] ?? 0) + 1;
        await fetch(`${site.directUrl}/api/studies/${study}/retry`, { method: 'POST' }).then((answer) =>
          answer.body?.cancel(),
        );
        open.push(`${study}: taken up`);
      } else if (row === undefined || !ENDED.includes(row.state)) {
        open.push(`${study}: ${row?.state ?? 'unknown to the service'}`);
      }
    }
    if (studies !== undefined && open.length === 0) return { tookUp, open };
    if (performance.now() > end) return { tookUp, open };
    await sleep(1000);
  }
}

interface History {
  readonly state: string;
  readonly objects: readonly { readonly kind: string; readonly uid: string }[];
}

/** Looks at everything once it is quiet. */
export async function check(
  site: Watched,
  promised: ReadonlyMap<string, Promised>,
  settled: Awaited<ReturnType<typeof settleDown>>,
): Promise<Findings> {
  const violations = [...settled.open.map((line) => `not ended: ${line}`)];
  const endings: Record<string, number> = {};
  const studies = [...promised.keys()];
  const archive = await resultsInArchive(site.orthanc, studies);
  const messages = await messagesAtRis(site.ris);
  let repetitions = 0;
  for (const [study, { ending, films, way, template }] of promised) {
    const told = (words: string) => violations.push(`${study} (${way}, ${template}): ${words}`);
    const history = await historyOf(site.directUrl, study);
    if (history === undefined) {
      told('acknowledged and unknown to the service');
      continue;
    }
    endings[history.state] = (endings[history.state] ?? 0) + 1;
    if (history.state !== ending) told(`${history.state} instead of ${ending}`);
    const there = archive.get(study) ?? { airReports: [], textReports: [], heatmaps: [] };
    const kept = messages.get(study) ?? { messages: [], contradictions: 0, repetitions: 0 };
    repetitions += kept.repetitions;
    const made = (kind: string) =>
      history.objects.filter((object) => object.kind === kind).map(({ uid }) => uid);
    compare(told, 'SR (air) in the archive', there.airReports, made('sr-air'));
    compare(told, 'SR (text) in the archive', there.textReports, made('sr-text'));
    compare(told, 'heat map in the archive', there.heatmaps, made('heat-map'));
    compare(told, 'message at the RIS', kept.messages, made('oru'));
    if (kept.contradictions > 0) told('one message id came with two contents');
    const most = ending === 'delivered' ? films : 0;
    const least = ending === 'delivered' ? 1 : 0;
    for (const [what, count] of Object.entries(countsOf(there, kept.messages))) {
      if (count < least || count > most) told(`${count} of ${what}, expected ${least} to ${most}`);
    }
  }
  for (const study of messages.keys()) {
    if (!promised.has(study)) violations.push(`${study}: a message at the RIS about a study nobody sent`);
  }
  for (const { crashes, codes, role } of site.services) {
    violations.push(...crashes.map((words) => `an end that nobody caused: ${words}`));
    const unknown = codes.get('internal.unexpected') ?? 0;
    if (unknown > 0) violations.push(`${role}: ${unknown} failures that the service has no name for`);
  }
  return { violations, endings, tookUp: settled.tookUp, repetitions };
}

function countsOf(there: InArchive, messages: readonly string[]) {
  return {
    'SR (air)': there.airReports.length,
    'SR (text)': there.textReports.length,
    'heat map': there.heatmaps.length,
    message: messages.length,
  };
}

function compare(
  told: (words: string) => void,
  what: string,
  there: readonly string[],
  made: readonly string[],
): void {
  if (new Set(there).size !== there.length) told(`${what}: one UID twice`);
  const missing = made.filter((uid) => !there.includes(uid));
  const strange = there.filter((uid) => !made.includes(uid));
  if (missing.length > 0) told(`${what}: ${missing.length} made and not there`);
  if (strange.length > 0) told(`${what}: ${strange.length} there and not in the ledger`);
}

async function historyOf(url: string, study: string): Promise<History | undefined> {
  const answer = await fetch(`${url}/api/studies/${study}`);
  if (answer.status === 200) return (await answer.json()) as History;
  await answer.body?.cancel();
  return undefined;
}
