import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../config/schema.ts';
import { parseDuration, parseSize } from '../config/units.ts';
import { createDecoder } from '../dicom/film/decode/decoder.ts';
import { DeepHealthError } from '../errors/error.ts';
import { removeLeftovers } from '../intake/data-folder.ts';
import { createLooks } from '../intake/looks.ts';
import type { Receiving } from '../intake/receive.ts';
import { sweepRetention } from '../intake/retention.ts';
import { createStorageWatch } from '../intake/storage-watch.ts';
import type { Ledger } from '../ledger/types.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import { createMetrics } from '../observe/metrics.ts';
import { tendQueue } from '../queue/tend.ts';
import type { Consumer } from '../queue/types.ts';
import { createInference } from '../reading/inference.ts';
import { type Loop, startLoop } from '../reading/loop.ts';
import type { StudyReader } from '../reading/read-study.ts';
import { resultSettings } from '../reading/settings.ts';
import { studyHandler } from '../reading/study-handler.ts';
import { createAccess } from './access.ts';
import { createApp } from './app.ts';
import { startCrew } from './crew.ts';
import { modelChanged, needsRestart } from './reload.ts';
import { closeServer, openModel, openResources } from './resources.ts';
import { openSite } from './site.ts';

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

/** Work in hand gets so long to end before it is put back. */
const STOP_LIMIT_MS = 20_000;
const TEND_MS = 250;
const RETENTION_MS = 10 * 60_000;
const LEFTOVER_MS = 60 * 60_000;

/**
 * The service: opens what it needs, puts the steps together, and runs them until it is stopped.
 *
 * @throws DeepHealthError `service.start` that names every problem
 */
export async function startDaemon(initial: Config, { role, log, version }: DaemonOptions): Promise<Daemon> {
  const does = (task: Exclude<Role, 'all'>) => role === 'all' || role === task;
  const resources = await openResources(initial, { reads: does('read'), log });
  const { folder, keyOf, worker, ledger, queue, server } = resources;
  let config = initial;
  let site = resources.site;
  let model = resources.model;
  let access = createAccess(config.server);
  let stopping = false;
  const hardStop = new AbortController();
  const metrics = createMetrics(ledger);
  const storage = createStorageWatch(folder, () => parseSize(config.storage.reserve) ?? 0);
  const maxFilm = () => parseSize(config.server.maxFilm) ?? 0;

  const peers = {
    archives: () => site.archives,
    select: () => config.select,
  };
  const polling = {
    ...{ ledger, log, keyOf, metrics },
    select: peers.select,
    storageLow: () => storage.low(),
    publish: (jobs: Parameters<typeof queue.publish>[0]) =>
      queue.publish(jobs).catch((error: unknown) => {
        // The ledger has them as queued; tending the queue publishes them.
        log.debug(loggedFailure(error), 'Jobs could not be published yet');
      }),
  };
  const delivering = {
    ...{ ledger, folder, log, keyOf, metrics },
    worker: worker.name,
    signal: hardStop.signal,
    onSent: () => crew.wake(),
  };
  const tasks = {
    polling: does('intake') ? polling : undefined,
    delivering: does('deliver') ? delivering : undefined,
  };

  if (does('read')) await queue.publish(await ledger.claims.releaseWorker(worker.name)).catch(() => {});
  if (does('deliver')) await ledger.deliveries.releaseWorker(worker.name);

  const reading = model === undefined ? undefined : startReading();
  function startReading() {
    const current = () => {
      if (model === undefined) throw new Error('a process that reads has a model');
      return model;
    };
    const decoder = createDecoder();
    const inference = createInference(current, () => config.model.batch);
    const reader: StudyReader = {
      ...{ ledger, folder, decoder, inference, maxFilm },
      ...peers,
      model: current,
      rules: () => config.select,
    };
    const handler = studyHandler({
      ...{ ledger, reader, log, keyOf, metrics },
      signal: hardStop.signal,
      reporting: () => ({ config, settings: resultSettings(config, current().manifest, version) }),
      onReported: () => crew.wake(),
    });
    return { decoder, inference, handler };
  }

  let crew = startCrew(config, site, tasks);
  let consumer: Consumer | undefined;
  if (reading !== undefined) {
    consumer = await queue.consume(reading.handler, {
      concurrency: config.model.batch + 1,
      onError: (error) => log.warn(loggedFailure(error), 'The queue met a failure'),
    });
  }

  const loops: Loop[] = [];
  function loop(name: string, pauseMs: number, step: () => Promise<boolean>): Loop {
    const started = startLoop({
      ...{ name, log, pauseMs },
      signal: hardStop.signal,
      step: async () => ((await step()) ? { kind: 'worked' } : { kind: 'idle' }),
    });
    loops.push(started);
    return started;
  }
  const tend = loop('tend the queue', TEND_MS, async () => {
    await tendQueue(ledger, queue);
    return false;
  });
  if (does('intake')) {
    loop('retention', RETENTION_MS, async () => {
      await removeLeftovers(folder, LEFTOVER_MS);
      const retention = parseDuration(config.storage.retention) ?? Number.POSITIVE_INFINITY;
      const removed = await sweepRetention(ledger, folder, retention, Date.now());
      if (removed > 0) log.info({ studies: removed }, 'Removed studies after their retention');
      return removed > 0;
    });
  }

  const looks = createLooks({ ledger, worker: worker.name, ...peers });
  const look = loop('look for new films', 1000, () => looks.make());

  const receiving: Receiving = {
    ...{ ledger, folder, storage, log },
    settleMs: () => parseDuration(config.server.settle) ?? 0,
    stopping: () => stopping,
    // Without it the study would wait for the next round.
    onSettling: (inMs) => void setTimeout(() => tend.wake(), inMs + 1).unref(),
  };
  const app = createApp({
    receiving,
    metrics,
    version,
    rules: () => config.select,
    limits: () => ({ requestBytes: parseSize(config.server.maxRequest) ?? 0, partBytes: maxFilm() }),
    studies: {
      ledger,
      looks,
      ...peers,
      onNoticed: () => {
        tend.wake();
        look.wake();
      },
      onNotified: (study) => log.info({ study: keyOf(study) }, 'Notified of a study'),
      onRetried: () => {
        tend.wake();
        crew.wake();
      },
    },
    predicting: reading && { ...reading, rules: () => config.select, maxFilm },
    health: { ledger, queue, storage, stopping: () => stopping },
    access: () => access,
    metricsEnabled: () => config.observe.metrics,
    takesIn: does('intake'),
  });
  server.on('request', app as RequestListener);
  server.on('checkContinue', app as RequestListener);
  const url = urlOf(server.address() as AddressInfo, config.server.tls !== undefined);
  log.info(
    {
      url,
      role,
      worker: worker.name,
      ledger: ledger.dialect,
      queue: queue.kind,
      model: model?.identity.version,
    },
    'Ready',
  );
  warnOfPeers();

  /** What may be wrong and does not keep the service from running. */
  function warnOfPeers(): void {
    for (const [name, client] of site.archives) {
      client.check().catch((error: unknown) => {
        log.warn({ pacs: name, ...loggedFailure(error) }, 'The archive cannot be used now; it is tried on');
      });
    }
    const known = new Set(site.destinations.map(({ name }) => name));
    ledger.deliveries.backlog().then(
      (backlog) => {
        for (const { destination, pending } of backlog) {
          if (known.has(destination) || pending === 0) continue;
          log.warn(
            { destination, pending },
            'Results wait for a destination that is not configured any more',
          );
        }
      },
      () => {},
    );
  }

  let changing: Promise<void> = Promise.resolve();
  async function reload(next: Config): Promise<void> {
    if (stopping) throw new DeepHealthError('service.stopping');
    const fixed = needsRestart(config, next);
    if (fixed.length > 0) {
      const message = `These take a restart: ${fixed.join(', ')}. Nothing was changed.`;
      throw new DeepHealthError('service.reload-refused', message);
    }
    // Everything that can fail comes first.
    const nextSite = openSite(next, folder, log);
    let nextModel = model;
    if (model !== undefined && modelChanged(config, next)) {
      try {
        nextModel = await openModel(next);
      } catch (error) {
        await nextSite.close();
        throw error;
      }
    }
    const old = { site, crew, model };
    await old.crew.stop();
    config = next;
    site = nextSite;
    model = nextModel;
    access = createAccess(next.server);
    log.level = next.observe.log.level;
    crew = startCrew(next, site, tasks);
    await old.site.close();
    // Films that were given to the old model are read by it; it closes behind them.
    if (old.model !== undefined && old.model !== model) await old.model.close();
    warnOfPeers();
  }

  async function stop(): Promise<void> {
    stopping = true;
    const limit = setTimeout(() => hardStop.abort(new DeepHealthError('service.stopping')), STOP_LIMIT_MS);
    limit.unref();
    await changing.catch(() => {});
    await Promise.all([
      closeServer(server),
      consumer?.stop(),
      crew.stop(),
      ...loops.map((each) => each.stop()),
    ]);
    clearTimeout(limit);
    await site.close();
    await queue.close();
    await reading?.decoder.close();
    await model?.close();
    await ledger.close();
    await worker.release();
  }

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

function urlOf({ address, port, family }: AddressInfo, tls: boolean): string {
  const host = family === 'IPv6' ? `[${address}]` : address;
  return `${tls ? 'https' : 'http'}://${host}:${port}`;
}
