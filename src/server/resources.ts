import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { type Model, openModel as openLoadedModel } from '../ai/classify.ts';
import {
  type EngineChoice,
  engineFile,
  measureApart,
  rememberChoice,
  rememberedChoice,
} from '../ai/engine/choice.ts';
import { type ModelFolder, readModelFolder } from '../ai/folder.ts';
import { modelFolder } from '../cli/model-path.ts';
import type { Config } from '../config/schema.ts';
import { DeepHealthError } from '../errors/error.ts';
import { type DataFolder, openDataFolder } from '../intake/data-folder.ts';
import { openLedger } from '../ledger/ledger.ts';
import type { Ledger } from '../ledger/types.ts';
import { TLS_CIPHERS } from '../net/tls.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import { loadStudyKey, type StudyKey } from '../observe/study-key.ts';
import { openQueue } from '../queue/open.ts';
import type { Queue } from '../queue/types.ts';
import { type OpenAudit, openAuditTrail } from './audit-trail.ts';
import { limitConnections } from './connections.ts';
import { openSite, readPem, type Site } from './site.ts';
import { takeWorkerName, type WorkerName } from './worker-name.ts';

/** What the daemon needs before its first step. */
export interface Resources {
  readonly folder: DataFolder;
  readonly keyOf: StudyKey;
  readonly worker: WorkerName;
  readonly ledger: Ledger;
  readonly queue: Queue;
  /** Undefined where the role does not read. */
  readonly model: Model | undefined;
  /** A model that reads along. */
  readonly shadow: Model | undefined;
  readonly audit: OpenAudit;
  readonly site: Site;
  /** Listens already; whoever calls gets 503 until an application is set. */
  readonly server: Server;
}

/**
 * Opens everything, and where something fails, finds out what else does: an admin mends all at one go. What
 * was opened is closed again then.
 *
 * @throws DeepHealthError `service.start` with a line for each problem
 */
export async function openResources(
  config: Config,
  { reads, log }: { readonly reads: boolean; readonly log: Log },
): Promise<Resources> {
  const problems: DeepHealthError[] = [];
  const opened: (() => Promise<unknown>)[] = [];
  async function attempt<Part>(open: () => Promise<Part> | Part, close?: (part: Part) => Promise<unknown>) {
    try {
      const part = await open();
      if (close !== undefined) opened.unshift(() => close(part));
      return part;
    } catch (error) {
      problems.push(error instanceof DeepHealthError ? error : unknownProblem(error));
      return undefined;
    }
  }

  const folder = await attempt(() => openDataFolder(config.storage.folder));
  const [keyOf, worker, ledger, model, server] = await Promise.all([
    folder && attempt(() => loadStudyKey(folder.path)),
    folder &&
      attempt(
        () => takeWorkerName(folder.path),
        (name) => name.release(),
      ),
    attempt(
      () => openLedger(config.ledger),
      (part) => part.close(),
    ),
    reads
      ? attempt(
          () => openModel(config),
          (part) => part.close(),
        )
      : undefined,
    attempt(() => listen(config.server), closeServer),
  ]);
  const audit =
    folder &&
    worker &&
    (await attempt(
      () => openAuditTrail(config, { folder: folder.path, worker: worker.name, log }),
      (part) => part.audit.stop(),
    ));
  // Whoever reads along must keep nobody from reading.
  const shadow = reads
    ? await openShadow(config).catch((error: unknown) => {
        log.error(loggedFailure(error), 'The model beside cannot be used; the service runs without it');
        return undefined;
      })
    : undefined;
  if (shadow !== undefined) opened.unshift(() => shadow.close());
  const site =
    folder &&
    (await attempt(
      () => openSite(config, folder, log),
      (part) => part.close(),
    ));
  const queue =
    ledger &&
    worker &&
    (await attempt(
      () =>
        openQueue(config.queue, {
          ledger,
          worker: worker.name,
          pollMs: 250,
          onError: (error) => log.debug(loggedFailure(error), 'The queue met a failure'),
        }),
      (part) => part.close(),
    ));
  if (
    folder &&
    keyOf &&
    worker &&
    ledger &&
    queue &&
    site &&
    audit &&
    server &&
    (model || !reads) &&
    problems.length === 0
  ) {
    return { folder, keyOf, worker, ledger, queue, model, shadow, audit, site, server };
  }
  for (const close of opened) await close().catch(() => {});
  const lines = problems.map(({ code, message }) => `  ${code}: ${message}`);
  throw new DeepHealthError('service.start', `The service could not start:\n${lines.join('\n')}`);
}

function unknownProblem(error: unknown): DeepHealthError {
  const { code, message } = loggedFailure(error);
  return new DeepHealthError('internal.unexpected', `${code}: ${message}`, { cause: error });
}

/** The model that reads along, where the configuration names one. Throws `model.*`, `engine.*`. */
export async function openShadow(
  config: Pick<Config, 'model' | 'report' | 'storage'>,
): Promise<Model | undefined> {
  const { shadow } = config.model;
  return shadow === undefined
    ? undefined
    : openModel({ ...config, model: { ...config.model, path: shadow } });
}

/**
 * The model that the configuration names. Where it leaves the threads open, the ways to use them are measured
 * once on a machine and kept in the data folder. Throws `model.*`, `engine.*`.
 */
export async function openModel(config: Pick<Config, 'model' | 'report' | 'storage'>): Promise<Model> {
  const { path, engine, threads } = config.model;
  const { enabled, certainty } = config.report.triage;
  const folder = await readModelFolder(modelFolder(path));
  const choice =
    engine === 'onnx' && threads === 0 ? await engineChoice(folder, config.storage.folder) : { threads };
  return openLoadedModel(folder, {
    engine,
    ...choice,
    triage: { enabled, category2From: certainty },
  });
}

async function engineChoice(folder: ModelFolder, home: string): Promise<Partial<EngineChoice>> {
  const file = engineFile(home);
  const digest = folder.manifest.files.backbone.sha256;
  const known = await rememberedChoice(file, digest);
  if (known !== undefined) return known;
  const measured = await measureApart(folder.directory);
  if (measured === undefined) return {};
  await rememberChoice(file, digest, measured);
  return measured;
}

/** A server that listens. Throws `service.port-taken`, `service.address`, `service.certificate`. */
async function listen({ host, port, tls, connections, users, tokens }: Config['server']): Promise<Server> {
  const options = {
    // STOW-RS watches the pace of its senders itself; a large push over a slow line may take long.
    requestTimeout: 0,
    headersTimeout: 20_000,
    // How often the above is looked after.
    connectionsCheckingInterval: 5_000,
    keepAliveTimeout: 30_000,
    maxHeaderSize: 32 * 1024,
  };
  const server =
    tls === undefined ? createHttpServer(options) : createHttpsServer({ ...options, ...serverTls(tls) });
  server.on('request', notYet);
  limitConnections(server, connections);
  // Neither side says anything for so long: the connection is dead or held open on purpose.
  server.setTimeout(120_000);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${host}:${port}`;
      reject(
        error.code === 'EADDRINUSE'
          ? new DeepHealthError('service.port-taken', `Another program listens on ${where}.`)
          : new DeepHealthError('service.address', `Cannot listen on ${where} (${error.code ?? 'unknown'}).`),
      );
    });
    server.listen(port, host, resolve);
  });
  const reached = openTo(server, { users, tokens });
  if (reached !== undefined) {
    await closeServer(server);
    throw new DeepHealthError(
      'service.address',
      `${host} leads to ${reached}, which others can reach; without users or tokens only a loopback address is listened on.`,
    );
  }
  return server;
}

/**
 * The address at which others reach a server that nobody has to sign in to; undefined where there is none. A name may
 * lead elsewhere than it looks (a hosts file): what counts is where the server listens.
 */
export function openTo(
  server: Server,
  { users, tokens }: Pick<Config['server'], 'users' | 'tokens'>,
): string | undefined {
  const address = server.address();
  const bound = typeof address === 'string' ? address : (address?.address ?? '');
  const open = users.length + tokens.length === 0;
  return open && !/^(127\.|::1$|::ffff:127\.)/.test(bound) ? bound : undefined;
}

/** Answers until the application takes over; it removes this listener. */
export function notYet(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(503, { 'retry-after': '1', connection: 'close' }).end();
}

function serverTls(tls: NonNullable<Config['server']['tls']>) {
  const pem = { cert: readPem(tls.cert), key: readPem(tls.key) };
  const ca = tls.clientCa === undefined ? {} : { ca: readPem(tls.clientCa) };
  try {
    createSecureContext({ ...pem, ...ca });
  } catch (error) {
    throw new DeepHealthError(
      'service.certificate',
      `${tls.cert} and ${tls.key} cannot be used together, or one of them is damaged.`,
      { cause: error },
    );
  }
  const asksClients = tls.clientCa !== undefined;
  return {
    ...pem,
    ...ca,
    minVersion: 'TLSv1.2' as const,
    ciphers: TLS_CIPHERS,
    honorCipherOrder: true,
    // Somebody who connects and says nothing holds a connection; not for two minutes.
    handshakeTimeout: 15_000,
    requestCert: asksClients,
    rejectUnauthorized: asksClients,
  };
}

/** Takes no new connection; resolves when the open ones have ended, which idle ones do at once. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), 5000);
  await closed;
  clearTimeout(force);
}
