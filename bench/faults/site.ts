import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { chance } from '../../src/dicom/phantom/random.ts';
import { type Orthanc, startOrthanc } from '../../test/peers/orthanc.ts';
import { freePorts } from '../../test/peers/ports.ts';
import { type PostgresPeer, startPostgres } from '../../test/peers/postgres.ts';
import { type RabbitmqPeer, startRabbitmq } from '../../test/peers/rabbitmq.ts';
import { type Ris, startRis } from '../../test/peers/ris.ts';
import { type Line, startLine } from './line.ts';
import { seedOf } from './plan.ts';
import { type Service, superviseService } from './service.ts';

const run = promisify(execFile);

/** One process with its own ledger, or processes by role over a broker and a database. */
export type Setup = 'embedded' | 'spread';

/** The service between its peers, with lines that can be made bad. */
export interface Site {
  readonly setup: Setup;
  readonly folder: string;
  readonly orthanc: Orthanc;
  readonly ris: Ris;
  readonly postgres: PostgresPeer | undefined;
  readonly rabbitmq: RabbitmqPeer | undefined;
  /** Every process of the service. */
  readonly services: readonly Service[];
  /** Lines by what they lead to. */
  readonly lines: Readonly<Partial<Record<'service' | 'pacs' | 'ris' | 'broker' | 'database', Line>>>;
  /** Where senders send to: over the line. */
  readonly url: string;
  /** The service without the line, for looking from outside. */
  readonly directUrl: string;
  /** The file system of the data folder, where one of our own could be mounted. */
  readonly disk: Disk | undefined;
  /** Steps the wall clock of every process of the service; undefined without libfaketime. */
  readonly stepClock: ((offsetSeconds: number) => Promise<void>) | undefined;
  remove(keep: boolean): Promise<void>;
}

/** A small file system that can be filled. */
export interface Disk {
  /** Fills it up to so many free bytes. */
  fill(leaveBytes: number): Promise<void>;
  empty(): Promise<void>;
}

export interface SiteOptions {
  readonly setup: Setup;
  readonly seed: string;
  readonly diskMegabytes: number;
  readonly reserve: string;
  readonly log: 'debug' | 'info';
}

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

export async function openSite(options: SiteOptions): Promise<Site> {
  const { setup, seed } = options;
  const spread = setup === 'spread';
  const folder = await mkdtemp(join(tmpdir(), 'dh-faults-'));
  const [orthanc, ris, postgres, rabbitmq] = await Promise.all([
    startOrthanc(),
    startRis(),
    spread ? startPostgres() : undefined,
    spread ? startRabbitmq() : undefined,
  ]);
  const luck = (name: string) => chance(seedOf(seed, `line to ${name}`));
  const lineTo = (name: string, url: string) => startLine(Number(new URL(url).port), luck(name));
  const [port = 0] = await freePorts(1);
  const lines = {
    service: await startLine(port, luck('service')),
    pacs: await lineTo('pacs', orthanc.url),
    ris: await startLine(ris.port, luck('ris')),
    ...(postgres && { database: await lineTo('database', postgres.url) }),
    ...(rabbitmq && { broker: await lineTo('broker', rabbitmq.url) }),
  };
  const stored = join(folder, 'data');
  await mkdir(stored);
  const disk = await mountDisk(stored, options.diskMegabytes);
  const { stepClock, env } = await clockOf(folder);

  const over = (url: string, line: Line | undefined) => {
    const address = new URL(url);
    address.port = String(line?.port);
    return address.href;
  };
  const config = (serverPort: number) => ({
    server: { port: serverPort, settle: '200 ms' },
    pacs: [
      {
        name: 'archive',
        url: over(orthanc.url, lines.pacs),
        auth: { type: 'basic', user: orthanc.username, password: orthanc.password },
        poll: { schedule: '*/2 * * * * *', days: 2 },
        timeout: '5 s',
      },
    ],
    ris: [{ name: 'ris', host: '127.0.0.1', port: lines.ris.port, acknowledgeTimeout: '3 s' }],
    ledger: postgres === undefined ? join(stored, 'ledger.sqlite') : over(postgres.url, lines.database),
    queue: rabbitmq === undefined ? 'embedded' : over(rabbitmq.url, lines.broker),
    model: { threads: 1 },
    report: { heatmap: { longSide: 256 } },
    storage: { folder: stored, reserve: options.reserve },
    observe: { log: { level: options.log, pretty: 'never' } },
  });
  const roles = spread ? ['intake', 'read', 'deliver'] : ['all'];
  const services: Service[] = [];
  for (const [index, role] of roles.entries()) {
    const file = join(folder, `${role}.yaml`);
    await writeFile(file, stringify(config(index === 0 ? port : 0)));
    services.push(superviseService({ role, config: file, log: join(folder, `${role}.log`), env }));
  }
  await Promise.all(services.map((service) => service.start()));
  async function remove(keep: boolean): Promise<void> {
    await Promise.all(services.map((service) => service.stop()));
    await Promise.all(Object.values(lines).map((each) => each?.close()));
    await Promise.all([orthanc.stop(), ris.stop(), postgres?.remove(), rabbitmq?.remove()]);
    if (disk !== undefined) await run('umount', ['-l', stored]);
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
  // A run that is broken off leaves nothing behind.
  const broken = () => void remove(false).finally(() => process.exit(1));
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, broken);
  return {
    ...{ setup, folder, orthanc, ris, postgres, rabbitmq, services, lines, disk, stepClock },
    url: `http://127.0.0.1:${lines.service.port}`,
    directUrl: `http://127.0.0.1:${port}`,
    async remove(keep) {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, broken);
      await remove(keep);
    },
  };
}

/** A tmpfs at the folder, where this account may mount one. */
async function mountDisk(folder: string, megabytes: number): Promise<Disk | undefined> {
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', folder]).then(
    () => true,
    () => false,
  );
  if (!mounted) return undefined;
  const balloon = join(folder, 'balloon');
  return {
    async fill(leaveBytes) {
      const { stdout } = await run('stat', ['-f', '-c', '%a %S', folder]);
      const [blocks = 0, size = 0] = stdout.trim().split(' ').map(Number);
      const bytes = blocks * size - leaveBytes;
      if (bytes > 0) await run('fallocate', ['-l', String(bytes), balloon]).catch(() => {});
    },
    empty: () => rm(balloon, { force: true }),
  };
}

/** Debian's libfaketime: the wall clock of the service's processes is ours, the monotonic one stays. */
export async function clockOf(folder: string) {
  const file = join(folder, 'clock');
  await writeFile(file, '+0');
  const installed = await run('test', ['-f', FAKETIME]).then(
    () => true,
    () => false,
  );
  if (!installed) return { stepClock: undefined, env: {} };
  return {
    stepClock: (offsetSeconds: number) => writeFile(file, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}`),
    env: {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
  };
}
