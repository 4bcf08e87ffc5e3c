import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { chance } from '../../src/dicom/phantom/random.ts';
import { startOrthanc } from '../../test/peers/orthanc.ts';
import { freePorts } from '../../test/peers/ports.ts';
import { startPostgres } from '../../test/peers/postgres.ts';
import { startRabbitmq } from '../../test/peers/rabbitmq.ts';
import { startRis } from '../../test/peers/ris.ts';
import { check, settleDown } from '../faults/check.ts';
import { createSenders } from '../faults/senders.ts';
import { type Service, superviseService } from '../faults/service.ts';
import type { Setup } from '../faults/site.ts';
import { makeTemplates } from './films.ts';
import { growth, metricsOf, percentile, residentMegabytes, type Sample } from './measure.ts';

export interface LoadRun {
  readonly setup: Setup;
  readonly studies: number;
  readonly senders: number;
  /** Senders pause while so many acknowledged studies have not ended. */
  readonly ahead: number;
  readonly threads: number;
  readonly say: (line: string) => void;
}

export interface LoadReport {
  readonly setup: Setup;
  readonly studies: number;
  readonly processors: number;
  readonly seconds: number;
  readonly studiesPerSecond: number;
  readonly endings: Readonly<Record<string, number>>;
  /** By role: memory at the end in MB, its growth in MB per 1,000 studies, event loop delay in ms. */
  readonly processes: Readonly<
    Record<string, { rss: number; growth: number; loopDelayP99: number; loopDelayWorst: number }>
  >;
  /** Seconds from the sender's acknowledgement (or the archive's) to the SR stored in the archive. */
  readonly arrivalToReport: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly violations: readonly string[];
}

const SAMPLE_MS = 3000;
const ENDED = ['delivered', 'skipped', 'failed'];

/** Sends studies as fast as they are read, and measures. */
export async function runLoad(run: LoadRun): Promise<LoadReport> {
  const { setup, say } = run;
  const spread = setup === 'spread';
  const templates = await makeTemplates({ seeds: 2, large: true });
  const folder = await mkdtemp(join(tmpdir(), 'dh-load-'));
  const [orthanc, ris, postgres, rabbitmq] = await Promise.all([
    startOrthanc(),
    startRis(),
    spread ? startPostgres() : undefined,
    spread ? startRabbitmq() : undefined,
  ]);
  const roles = spread ? ['intake', 'read', 'deliver'] : ['all'];
  const ports = await freePorts(roles.length);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const services: Service[] = [];
  for (const [index, role] of roles.entries()) {
    const config = {
      server: { port: ports[index], settle: '200 ms' },
      pacs: [
        {
          ...{ name: 'archive', url: orthanc.url },
          auth: { type: 'basic', user: orthanc.username, password: orthanc.password },
          poll: { schedule: '*/5 * * * * *', days: 2 },
        },
      ],
      ris: [{ name: 'ris', host: ris.host, port: ris.port }],
      ledger: postgres?.url ?? join(folder, 'ledger.sqlite'),
      queue: rabbitmq?.url ?? 'embedded',
      model: { threads: run.threads },
      // Small heat maps: the archive and the ledger of the bench need not hold ten gigabytes of them.
      report: { heatmap: { longSide: 256 } },
      storage: { folder, reserve: '100 MiB' },
      observe: { log: { level: 'info', pretty: 'never' } },
    };
    const file = join(folder, `${role}.yaml`);
    await writeFile(file, stringify(config));
    services.push(superviseService({ role, config: file, log: join(folder, `${role}.log`), env: {} }));
  }
  await Promise.all(services.map((service) => service.start()));
  const [url = ''] = urls;
  const senders = createSenders({
    ...{ url, orthanc, templates, luck: chance(run.studies), batch: Date.now() % 1e9, late: 0 },
    ways: { push: 0.8, poll: 0.1, notify: 0.1 },
    date: new Date().toISOString().slice(0, 10).replaceAll('-', ''),
  });

  const samples = new Map<string, Sample[]>(roles.map((role) => [role, []]));
  const began = performance.now();
  let ended = 0;
  let measuring = true;
  async function measure(): Promise<void> {
    while (measuring) {
      await sleep(SAMPLE_MS);
      for (const [index, role] of roles.entries()) {
        const { states, loopDelay } = await metricsOf(urls[index] ?? '');
        if (index === 0) ended = ENDED.reduce((sum, state) => sum + (states[state] ?? 0), 0);
        const rss = await residentMegabytes(services[index]?.pid);
        if (rss === undefined) continue;
        samples.get(role)?.push({ seconds: (performance.now() - began) / 1000, ended, rss, loopDelay });
      }
    }
  }
  const measured = measure();
  let sent = 0;
  async function sender(): Promise<void> {
    while (sent < run.studies) {
      if (senders.promised.size - ended > run.ahead) await sleep(100);
      else {
        sent += 1;
        if (sent % 250 === 0)
          say(`${sent} sent, ${ended} ended, ${Math.round((performance.now() - began) / 1000)} s`);
        await senders.send();
      }
    }
  }
  await Promise.all(Array.from({ length: run.senders }, sender));
  const site = { services, orthanc, ris, directUrl: url };
  const settled = await settleDown(site, senders.promised, 1_200_000);
  const seconds = (performance.now() - began) / 1000;
  measuring = false;
  await measured;
  const times = await arrivals(url, senders.promised);
  const { violations, endings } = await check(site, senders.promised, settled);
  for (const service of services) {
    const code = await service.stop();
    if (code !== 0) violations.push(`${service.role} ended with ${code} when it was asked to stop`);
  }
  await Promise.all([orthanc.stop(), ris.stop(), postgres?.remove(), rabbitmq?.remove()]);
  await rm(folder, { recursive: true, force: true });
  const round = (value: number) => Number(value.toFixed(2));
  return {
    ...{ setup, violations, endings, studies: run.studies, processors: cpus().length },
    seconds: Math.round(seconds),
    studiesPerSecond: round(run.studies / seconds),
    processes: Object.fromEntries(
      [...samples].map(([role, list]) => [
        role,
        {
          rss: Math.round(list.at(-1)?.rss ?? 0),
          growth: round(growth(list)),
          loopDelayP99: round(
            percentile(
              list.map(({ loopDelay }) => loopDelay),
              0.5,
            ),
          ),
          loopDelayWorst: round(Math.max(0, ...list.map(({ loopDelay }) => loopDelay))),
        },
      ]),
    ),
    arrivalToReport: {
      p50: round(percentile(times, 0.5)),
      p95: round(percentile(times, 0.95)),
      p99: round(percentile(times, 0.99)),
    },
  };
}

/** Seconds from each acknowledgement to the last SR stored in the archive. */
async function arrivals(
  url: string,
  promised: ReadonlyMap<string, { readonly study: string; readonly at: number }>,
): Promise<number[]> {
  const times: number[] = [];
  for (const { study, at } of promised.values()) {
    const answer = await fetch(`${url}/api/studies/${study}`);
    const { deliveries } = (await answer.json()) as {
      deliveries: { via: string; object: { kind: string }; ended: string | null }[];
    };
    const stored = deliveries.flatMap(({ object, ended }) =>
      object.kind.startsWith('sr-') && ended !== null ? [Date.parse(ended)] : [],
    );
    if (stored.length > 0) times.push((Math.max(...stored) - performance.timeOrigin - at) / 1000);
  }
  return times;
}
