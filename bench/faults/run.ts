import { setTimeout as sleep } from 'node:timers/promises';
import { chance } from '../../src/dicom/phantom/random.ts';
import { makeTemplates } from '../load/films.ts';
import { check, type Findings, settleDown } from './check.ts';
import { CALM } from './line.ts';
import { type Fault, planOf, seedOf, type Target } from './plan.ts';
import { createSenders } from './senders.ts';
import type { Service } from './service.ts';
import { openSite, type Setup, type Site } from './site.ts';

export interface FaultRun {
  readonly seed: string;
  readonly setup: Setup;
  /** How long there is trouble. */
  readonly seconds: number;
  /** 1: a kill about every fifteen seconds; 2: twice as often. */
  readonly pace: number;
  /** Studies a second. */
  readonly rate: number;
  /** How long everything may take to end once it is quiet. */
  readonly patienceSeconds: number;
  /** Folder and logs stay when something does not hold. */
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

export interface FaultReport extends Findings {
  readonly seed: string;
  readonly setup: Setup;
  readonly studies: number;
  /** Faults by target and kind that were really done. */
  readonly faults: Readonly<Record<string, number>>;
  readonly kills: number;
  readonly cuts: number;
  readonly repeats: number;
  readonly refusals: number;
  /** Error codes in the logs with their number. */
  readonly codes: Readonly<Record<string, number>>;
  /** Seconds from quiet to the end of the last study. */
  readonly recoverySeconds: number;
  readonly notDone: readonly string[];
  readonly folder: string;
}

/** Runs the service among peers that fail, and checks what it promises once it is quiet. */
export async function runFaults(run: FaultRun): Promise<FaultReport> {
  const { seed, setup, say } = run;
  const templates = await makeTemplates({ seeds: 1, large: false });
  const site = await openSite({ setup, seed, diskMegabytes: 700, reserve: '8 MiB', log: 'debug' });
  say(`${setup}, seed ${seed}: ${site.folder}`);
  const senders = createSenders({
    ...{ url: site.url, orthanc: site.orthanc, templates },
    luck: chance(seedOf(seed, 'senders')),
    batch: seedOf(seed, 'batch'),
    ways: { push: 0.6, poll: 0.2, notify: 0.2 },
    late: 0.1,
    date: new Date().toISOString().slice(0, 10).replaceAll('-', ''),
  });
  const counts: Record<string, number> = {};
  const over = new AbortController();
  const trouble = targetsOf(site).map((target) => haunt(target, site, run, counts, over.signal));
  const sending: Promise<void>[] = [];
  const end = performance.now() + run.seconds * 1000;
  let told = performance.now();
  while (performance.now() < end) {
    sending.push(senders.send());
    await sleep(1000 / run.rate);
    if (performance.now() - told > 30_000) {
      told = performance.now();
      say(
        `${Math.round((end - told) / 1000)} s of trouble left; ${sending.length} studies sent, ${senders.promised.size} acknowledged`,
      );
    }
  }
  over.abort();
  await Promise.all(trouble);
  await calm(site);
  const quietAt = performance.now();
  say('Quiet now.');
  await Promise.all(sending);
  const settled = await settleDown(site, senders.promised, run.patienceSeconds * 1000);
  const recoverySeconds = Math.round((performance.now() - quietAt) / 1000);
  const findings = await check(site, senders.promised, settled);
  const lines = Object.values(site.lines);
  const codes: Record<string, number> = {};
  for (const service of site.services) {
    for (const [code, count] of service.codes) codes[code] = (codes[code] ?? 0) + count;
  }
  const kept = run.keep && findings.violations.length > 0;
  await site.remove(kept);
  return {
    ...findings,
    ...{ seed, setup, codes, recoverySeconds },
    studies: senders.promised.size,
    faults: counts,
    kills: Object.entries(counts).reduce(
      (sum, [name, count]) => (name.endsWith(' kill') ? sum + count : sum),
      0,
    ),
    cuts: lines.reduce((sum, line) => sum + (line?.done.cuts ?? 0), 0),
    repeats: lines.reduce((sum, line) => sum + (line?.done.repeats ?? 0), 0),
    refusals: senders.refusals,
    notDone: [
      ...(site.disk === undefined ? ['the disk was not filled: no file system can be mounted here'] : []),
      ...(site.stepClock === undefined ? ['the clock was not stepped: libfaketime is not installed'] : []),
    ],
    folder: kept ? site.folder : '',
  };
}

function targetsOf(site: Site): Target[] {
  const spread = site.setup === 'spread';
  return [
    ...(spread ? (['intake', 'read', 'deliver', 'broker', 'database'] as const) : (['service'] as const)),
    ...(['pacs', 'ris', 'line to service', 'line to pacs', 'line to ris'] as const),
    ...(spread ? (['line to broker', 'line to database'] as const) : []),
    ...(site.disk === undefined ? [] : (['disk'] as const)),
    ...(site.stepClock === undefined ? [] : (['clock'] as const)),
  ];
}

/** Puts a target through its plan until it is over. */
async function haunt(
  target: Target,
  site: Site,
  { seed, seconds, pace, say }: FaultRun,
  counts: Record<string, number>,
  over: AbortSignal,
): Promise<void> {
  const wait = (ms: number) => sleep(ms, undefined, { signal: over }).catch(() => {});
  for (const fault of planOf(seed, target, seconds * 1000, pace)) {
    await wait(fault.afterMs);
    if (over.aborted) return;
    try {
      await inflict(target, fault, site, wait);
      const name = `${target} ${fault.kind}`;
      counts[name] = (counts[name] ?? 0) + 1;
    } catch (error) {
      say(`${target} ${fault.kind} could not be done: ${error instanceof Error ? error.message : error}`);
    }
  }
}

async function inflict(
  target: Target,
  fault: Fault,
  site: Site,
  wait: (ms: number) => Promise<void>,
): Promise<void> {
  switch (fault.kind) {
    case 'kill': {
      const victim = processOf(target, site);
      await victim.kill();
      await wait(fault.downMs);
      return victim.start();
    }
    case 'freeze': {
      const victim = processOf(target, site);
      victim.freeze();
      await wait(fault.forMs);
      return victim.thaw();
    }
    case 'cut':
      return lineOf(target, site).cutAll();
    case 'weather': {
      const { delayMs, cut, repeat } = fault;
      lineOf(target, site).weather = { delayMs, cut, repeat };
      return;
    }
    case 'fill':
      await site.disk?.fill(fault.leaveBytes);
      await wait(fault.forMs);
      return site.disk?.empty();
    case 'step':
      return site.stepClock?.(fault.offsetSeconds);
  }
}

interface Victim {
  kill(): Promise<void>;
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

function processOf(target: Target, site: Site): Victim {
  const { orthanc, ris, postgres, rabbitmq, lines } = site;
  const signalled = (peer: { signal(name: NodeJS.Signals): void }) => ({
    freeze: () => peer.signal('SIGSTOP'),
    thaw: () => peer.signal('SIGCONT'),
  });
  // A server of many processes is frozen by its line.
  const stalled = (line: (typeof lines)['pacs']) => ({
    freeze: () => line?.stall(),
    thaw: () => line?.flow(),
  });
  switch (target) {
    case 'pacs':
    case 'ris': {
      const peer = target === 'pacs' ? orthanc : ris;
      return {
        ...signalled(peer),
        async kill() {
          peer.signal('SIGKILL');
          await peer.halt();
        },
        start: () => peer.start(),
      };
    }
    case 'database':
      if (postgres === undefined) break;
      return {
        ...stalled(lines.database),
        kill: () => postgres.stop('immediate'),
        start: () => postgres.start(),
      };
    case 'broker':
      if (rabbitmq === undefined) break;
      return { ...stalled(lines.broker), kill: () => rabbitmq.stop('kill'), start: () => rabbitmq.start() };
    default: {
      const role = target === 'service' ? 'all' : target;
      const service = site.services.find((each: Service) => each.role === role);
      if (service === undefined) break;
      return { ...signalled(service), kill: () => service.kill(), start: () => service.start() };
    }
  }
  throw new Error(`there is no ${target}`);
}

function lineOf(target: Target, site: Site) {
  const line = site.lines[target.replace('line to ', '') as keyof Site['lines']];
  if (line === undefined) throw new Error(`there is no ${target}`);
  return line;
}

/** Good weather, room on the disk, and the clock as it was found last. */
async function calm(site: Site): Promise<void> {
  for (const line of Object.values(site.lines)) {
    line?.flow();
    if (line !== undefined) line.weather = CALM;
  }
  await site.disk?.empty();
}
