import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { openLedger } from '../../src/ledger/ledger.ts';
import { startOrthanc } from '../../test/peers/orthanc.ts';
import { freePort } from '../../test/peers/ports.ts';
import { startRis } from '../../test/peers/ris.ts';
import { pushFilm } from '../faults/senders.ts';
import { superviseService } from '../faults/service.ts';
import { clockOf } from '../faults/site.ts';
import { backlogStudy, enterBacklog, isStat } from './backlog.ts';
import { makeTemplates, stamped, stampedUid } from './films.ts';
import { metricsOf, residentMegabytes } from './measure.ts';
import { messagesAtRis, resultsInArchive } from './outside.ts';

export interface AwayRun {
  /** Studies whose results wait. */
  readonly studies: number;
  /** How long archive and RIS stay away after the service started, in seconds; half of it a day goes by at once. */
  readonly awaySeconds: number;
  readonly say: (line: string) => void;
}

export interface AwayReport {
  readonly studies: number;
  /** Days that went by on the service's clock while they were away; 0 without libfaketime. */
  readonly days: number;
  /** Memory of the service in MB: soon after the start, at the end of the outage, when all was drained. */
  readonly rss: { readonly start: number; readonly away: number; readonly drained: number };
  /** Attempts at the archive while it was away. */
  readonly attemptsWhileAway: number;
  /** Whether a film that was pushed meanwhile was acknowledged. */
  readonly tookIn: boolean;
  readonly drainSeconds: number;
  /** Routine messages that reached the RIS before a stat one. */
  readonly outOfTurn: number;
  readonly violations: readonly string[];
}

const DAY_SECONDS = 86_400;

/** Archive and RIS are away with a backlog behind them, then they come back. */
export async function runAway({ studies, awaySeconds, say }: AwayRun): Promise<AwayReport> {
  const folder = await mkdtemp(join(tmpdir(), 'dh-away-'));
  const batch = Date.now() % 1e9;
  const file = join(folder, 'ledger.sqlite');
  const ledger = await openLedger(file);
  await enterBacklog(ledger, batch, studies);
  await ledger.close();
  say(`${studies} studies wait`);
  // They keep their ports while they are down.
  const [orthanc, ris] = await Promise.all([startOrthanc(), startRis()]);
  await Promise.all([orthanc.halt(), ris.halt()]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, 'deep-health.yaml');
  await writeFile(
    config,
    stringify({
      server: { port, settle: '100 ms' },
      pacs: [
        {
          ...{ name: 'archive', url: orthanc.url },
          auth: { type: 'basic', user: orthanc.username, password: orthanc.password },
        },
      ],
      ris: [{ name: 'ris', host: ris.host, port: ris.port }],
      ledger: file,
      model: { threads: 1 },
      storage: { folder, reserve: '10 MiB' },
      observe: { log: { level: 'info', pretty: 'never' } },
    }),
  );
  const { stepClock, env } = await clockOf(folder);
  const service = superviseService({ role: 'all', config, log: join(folder, 'all.log'), env });
  const violations: string[] = [];
  const rssNow = async () => Math.round((await residentMegabytes(service.pid)) ?? 0);
  try {
    await service.start();
    const pushed = await pushOne(url, batch, studies);
    await until(async () => (await metricsOf(url)).states.reported === studies + 1);
    const start = await rssNow();
    await sleep(awaySeconds * 500);
    await stepClock?.(DAY_SECONDS);
    await sleep(awaySeconds * 500);
    const away = await rssNow();
    const attempts = (await attemptsAt(url)) ?? 0;
    await Promise.all([orthanc.start(), ris.start()]);
    const began = performance.now();
    await until(async () => {
      const { states } = await metricsOf(url);
      return states.delivered === studies + 1;
    });
    const drainSeconds = Math.round((performance.now() - began) / 1000);
    const drained = await rssNow();
    const order = (await ris.received()).map(
      ({ text }) => /\|113014\^[^|]*\|[^|]*\|([0-9.]+)\|/.exec(text)?.[1] ?? '',
    );
    const stat = new Set(
      Array.from({ length: studies }, (_, index) => index + 1)
        .filter(isStat)
        .map((number) => backlogStudy(batch, number)),
    );
    const lastStat = order.findLastIndex((study) => stat.has(study));
    const outOfTurn = order.slice(0, lastStat).filter((study) => !stat.has(study)).length;
    const kept = await messagesAtRis(ris);
    const uids = Array.from({ length: studies }, (_, index) => backlogStudy(batch, index + 1));
    const stored = await resultsInArchive(orthanc, uids);
    for (const uid of uids) {
      const reports = stored.get(uid)?.textReports.length ?? 0;
      const messages = kept.get(uid)?.messages.length ?? 0;
      if (reports !== 1 || messages !== 1)
        violations.push(`${uid}: ${reports} reports, ${messages} messages`);
    }
    violations.push(...service.crashes);
    return {
      ...{
        studies,
        days: stepClock === undefined ? 0 : 1,
        drainSeconds,
        outOfTurn,
        violations,
        tookIn: pushed,
      },
      rss: { start, away, drained },
      attemptsWhileAway: attempts,
    };
  } finally {
    await service.stop();
    await Promise.all([orthanc.stop(), ris.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function pushOne(url: string, batch: number, studies: number): Promise<boolean> {
  const { readable } = await makeTemplates({ seeds: 1, large: false, only: 'CR 8 bit explicit' });
  const [template] = readable;
  if (template === undefined) throw new Error('no template');
  const instance = stampedUid(3, batch, 10 * (studies + 1));
  const film = stamped(template, {
    ...{ instance, study: stampedUid(1, batch, studies + 1), series: stampedUid(2, batch, studies + 1) },
    ...{ patient: 'P00000000001', date: '20260301' },
  });
  return pushFilm(url, instance, film);
}

/** Failed attempts at the archive so far, by the service's own count. */
async function attemptsAt(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  let attempts = 0;
  for (const [, count] of text.matchAll(
    /^deephealth_delivery_failures_total\{[^}]*destination="archive"[^}]*\} (\d+)$/gm,
  )) {
    attempts += Number(count);
  }
  return attempts;
}

async function until(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await sleep(500);
}
