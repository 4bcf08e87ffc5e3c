import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/schema.ts';
import { DeepHealthError } from '../errors/error.ts';
import { createFileMemory } from '../files/file-memory.ts';
import { createArrivals } from '../intake/arrivals.ts';
import { createLooks } from '../intake/looks.ts';
import { createStorageWatch } from '../intake/storage-watch.ts';
import type { Ledger } from '../ledger/types.ts';
import { processors } from '../machine/processors.ts';
import { auditInForce } from '../observe/audit/in-force.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { createJustMade, type JustMade } from '../reading/just-made.ts';
import { createApp } from './app.ts';
import { changedKeys, refusedNodes } from './audit-trail.ts';
import { createPictures } from './console/pictures.ts';
import { type Context, putInForce } from './context.ts';
import { type Crew, startCrew } from './crew.ts';
import { readiness } from './health.ts';
import { startHousekeeping } from './housekeeping.ts';
import { startReading } from './reading.ts';
import { refusedSignIns } from './refused-sign-ins.ts';
import { prepareReload } from './reload.ts';
import { closeServer, notYet, openResources, openTo, type Resources } from './resources.ts';
import { warnOfPeers } from './warnings.ts';

export type Role = 'all' | 'intake' | 'read' | 'deliver';

export interface DaemonOptions {
  readonly role: Role;
  readonly log: Log;
  readonly version: string;
}

export interface Daemon {
  /** Base URL of the server, without a slash at the end. */
  readonly url: string;
  readonly ledger: Ledger;
  /**
   * Takes over another configuration as a whole, or throws and keeps the old one: `service.reload-refused`,
   * `model.*`, `service.certificate`.
   */
  reload(config: Config): Promise<void>;
  /** Intake stops, work in hand is finished or put back within the limit. */
  stop(): Promise<void>;
}

/** A few heat maps: those of the studies in hand. */
const JUST_MADE_BYTES = 12 * 2 ** 20;
/** Work in hand gets so long to end before it is put back. */
const STOP_LIMIT_MS = 20_000;
/** At a reload, exchanges with peers get so long to end before their connections are closed. */
const RELOAD_LIMIT_MS = 5_000;

/**
 * The service: opens what it needs, puts the steps together, and runs them until it is stopped.
 *
 * @throws DeepHealthError `service.start` that names every problem
 */
export async function startDaemon(config: Config, options: DaemonOptions): Promise<Daemon> {
  const { role, log } = options;
  const does = (task: Exclude<Role, 'all'>) => role === 'all' || role === task;
  const resources = await openResources(config, { reads: does('read'), log });
  const small = processors() === 1;
  const justMade = does('read') && does('deliver') && !small ? createJustMade(JUST_MADE_BYTES) : undefined;
  const context = contextOf(config, resources, options, justMade);
  const { ledger, queue, inForce, keyOf } = context;

  let crew: Crew;
  const wakeCrew = () => crew.wake();
  const newCrew = () => startCrew(context, wakeCrew, { polls: does('intake'), delivers: does('deliver') });
  await takeUpWork(context);
  const reading = resources.model && startReading(resources.model, resources.shadow, context, wakeCrew);
  crew = newCrew();
  const consumer =
    reading &&
    (await queue.consume(reading.handler, {
      // The lanes are full, as many films are on their way to them, and one study is reported. One processor has one
      // in hand and the next on its way: more take memory (docs/decisions/0132).
      concurrency: small ? 2 : Math.min(config.model.batch, 2 * reading.models.current.lanes) + 1,
      onError: (error) => log.warn(loggedFailure(error), 'The queue met a failure'),
    }));
  const looks = createLooks({
    ledger,
    archives: () => inForce.site.archives,
    select: () => inForce.config.select,
    onFailed({ studyUid, pacs }, error, inARow) {
      // The first of a row of failures is news; the rest would fill the disk of whoever keeps the log.
      const level = inARow === 1 || inARow % 20 === 0 ? 'warn' : 'debug';
      log[level](
        { study: keyOf(studyUid), pacs, inARow, ...loggedFailure(error) },
        'A look failed; it is made again',
      );
    },
    onGivenUp: ({ studyUid, pacs }, reason) =>
      log.error({ study: keyOf(studyUid), pacs, ...reason }, 'A study is not looked at again'),
  });
  const housekeeping = startHousekeeping(context, looks, does('intake'));
  const pictures = createPictures(context, reading?.decoder);
  const refused = refusedSignIns(context);
  const app = createApp({
    ...{ context, looks, reading, pictures, refused },
    takesIn: does('intake'),
    onWork() {
      housekeeping.wake();
      crew.wake();
    },
  });
  const { server } = resources;
  server.off('request', notYet);
  server.on('request', app as RequestListener);
  // The STOW-RS receiver says itself when it wants a body that waits for `100 Continue`.
  server.on('checkContinue', app as RequestListener);
  const url = urlOf(server.address() as AddressInfo, config.server.tls !== undefined);
  const model = reading?.models.current.identity.version;
  const { worker } = context;
  const beside = reading?.shadow.current?.identity.version;
  log.info({ url, role, worker, ledger: ledger.dialect, queue: queue.kind, model, shadow: beside }, 'Ready');
  context.audit.record((events) => events.activity('start'));
  server.on('tlsClientError', refusedNodes(context));
  warnOfPeers(context);

  async function preparedFor(next: Config) {
    const reached = openTo(server, next.server);
    if (reached === undefined) return prepareReload(next, reading !== undefined, context);
    const message = `Without users or tokens everybody would get in at ${reached}. Nothing was changed.`;
    throw new DeepHealthError('service.reload-refused', message);
  }

  async function reload(next: Config): Promise<void> {
    const changed = changedKeys(inForce.config, next);
    const prepared = await preparedFor(next).catch((error: unknown) => {
      context.audit.record((events) => events.configured(changed, false));
      throw error;
    });
    const old = inForce.site;
    // A peer that neither answers nor hangs up must not keep the new configuration, which may be without it, from coming
    // into force, nor the others waiting: what is still in hand then is broken off and taken up again.
    const ended = crew.stop();
    await Promise.race([ended, sleep(RELOAD_LIMIT_MS, undefined, { ref: false })]);
    inForce.replace(next, prepared.site);
    if (prepared.model !== undefined) reading?.models.replace(prepared.model);
    if (prepared.shadow !== undefined) reading?.shadow.replace(prepared.shadow ?? undefined);
    context.metrics.models(reading?.models.current, reading?.shadow.current);
    // Told in the trail that was in force, and in the next.
    context.audit.record((events) => events.configured(changed, true));
    if (prepared.audit !== undefined) {
      prepared.audit.counts.take = context.metrics.audited;
      context.audit.replace(prepared.audit.audit);
      context.audit.record((events) => events.configured(changed, true));
    }
    log.level = next.observe.log.level;
    crew = newCrew();
    await Promise.all([old.close(), ended]);
    warnOfPeers(context);
  }

  async function stop(): Promise<void> {
    context.stopping = true;
    const limit = setTimeout(() => {
      context.hardStop.abort(new DeepHealthError('service.stopping'));
      // Or a peer that never ends its answer would keep us from giving back our name and telling the audit trail.
      void inForce.site.close().catch(() => {});
    }, STOP_LIMIT_MS);
    limit.unref();
    await changing.catch(() => {});
    await Promise.all([closeServer(server), consumer?.stop(), crew.stop(), housekeeping.stop()]);
    clearTimeout(limit);
    await inForce.site.close();
    await queue.close();
    await pictures.close();
    await reading?.close();
    await ledger.close();
    refused.tellAll();
    context.audit.record((events) => events.activity('stop'));
    await context.audit.stop();
    await resources.worker.release();
  }

  let changing: Promise<void> = Promise.resolve();
  let stopped: Promise<void> | undefined;
  return {
    url,
    ledger,
    reload(next) {
      const mine = changing.catch(() => {}).then(() => reload(next));
      changing = mine;
      return mine;
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

function contextOf(
  config: Config,
  resources: Resources,
  { log, version }: DaemonOptions,
  justMade: JustMade | undefined,
): Context {
  const { ledger, queue, folder, keyOf, worker, site } = resources;
  const inForce = putInForce(config, site);
  const storage = createStorageWatch(folder, () => inForce.reserve);
  const metrics = createMetrics(ledger, {
    ready: async () => (await readiness(context)).ready,
    freeBytes: () => storage.free,
    reserveBytes: () => inForce.reserve,
    destinations: () => inForce.site.destinations.map(({ name }) => name),
  });
  resources.audit.counts.take = metrics.audited;
  const context: Context = {
    ...{ ledger, queue, folder, log, keyOf, version, inForce, metrics, storage },
    worker: worker.name,
    arrivals: createArrivals(),
    filmMemory: createFileMemory(processors()),
    justMade,
    audit: auditInForce(resources.audit.audit),
    hardStop: new AbortController(),
    stopping: false,
  };
  return context;
}

/** What a killed process of this name held is due at once; without the ledger it is when its lease runs out. */
async function takeUpWork({ ledger, queue, worker, log }: Context): Promise<void> {
  try {
    await ledger.deliveries.releaseWorker(worker);
    await queue.publish(await ledger.claims.releaseWorker(worker));
  } catch (error) {
    log.warn(loggedFailure(error), 'Work that was in hand at the last end is taken up later');
  }
}

function urlOf({ address, port, family }: AddressInfo, tls: boolean): string {
  const host = family === 'IPv6' ? `[${address}]` : address;
  return `${tls ? 'https' : 'http'}://${host}:${port}`;
}
