/** `deep-health serve` as a black box: its own process, config file and data folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { type PhantomFile, phantomFile } from '../../src/dicom/phantom/file.ts';
import { element } from '../../src/dicom/phantom/header.ts';
import { identityOf } from '../../src/dicom/web/identity.ts';
import { writeMultipart } from '../../src/dicom/web/multipart.ts';
import type { Orthanc } from '../peers/orthanc.ts';
import type { Ris } from '../peers/ris.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/deep-health.mjs', import.meta.url));

type Tree = Readonly<Record<string, unknown>>;

/** A study as `/api/studies/{study}` gives it; what the tests look at. */
export interface StudyRow {
  readonly study: string;
  readonly state: string;
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly run: number;
  readonly films: readonly {
    readonly sopInstanceUid: string;
    readonly role: string;
    readonly selection: { readonly kind: string; readonly reason?: { readonly code: string } } | null;
  }[];
  readonly readings: readonly { readonly run: number; readonly label: string | null }[];
  readonly objects: readonly { readonly run: number; readonly kind: string; readonly uid: string }[];
  readonly deliveries: readonly {
    readonly run: number;
    readonly destination: string;
    readonly state: string;
    readonly attempts: number;
    readonly waiting: boolean;
    readonly object: { readonly kind: string; readonly uid: string };
    readonly lastFailure: { readonly code: string } | null;
  }[];
  readonly events: readonly {
    readonly kind: string;
    readonly run: number;
    readonly subject: string | null;
  }[];
}

/** A line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string; readonly code?: string };

export interface TestDaemon {
  readonly url: string;
  readonly folder: string;
  /** Every line of the log so far, over restarts. */
  readonly log: readonly LogLine[];
  readonly said: readonly string[];
  readonly child: ChildProcess;
  /** Asks its API; the JSON of the answer. */
  api(path: string, request?: { method?: string; body?: unknown }): Promise<unknown>;
  study(uid: string): Promise<StudyRow | undefined>;
  /** The study once it is in one of the states; throws with what it is instead after the patience. */
  reaches(uid: string, ...states: readonly string[]): Promise<StudyRow>;
  push(...films: readonly Uint8Array[]): Promise<Response>;
  /** Writes another config file, without a signal. */
  configure(config: Tree): Promise<void>;
  /** Ends it with a signal; gives exit code and signal. */
  end(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** Resolves when it ended by itself. */
  ended(): Promise<{ readonly code: number | null; readonly signal: string | null }>;
  start(env?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

export interface DaemonSettings {
  readonly config?: Tree;
  readonly role?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a new one, removed at the end. */
  readonly folder?: string;
  /** What the tests' own requests sign in with. */
  readonly authorization?: string;
}

// Longer than the minute for which a killed reader keeps what it had claimed.
const PATIENCE_MS = 120_000;

/** Starts it; ready when it resolves. */
export async function startDaemon(settings: DaemonSettings = {}): Promise<TestDaemon> {
  const folder = settings.folder ?? (await mkdtemp(join(tmpdir(), 'dh-daemon-')));
  const file = join(folder, 'deep-health.yaml');
  const log: LogLine[] = [];
  const said: string[] = [];
  let child: ChildProcess | undefined;
  let exit: Promise<{ code: number | null; signal: string | null }> | undefined;
  let url = '';
  const signIn = settings.authorization === undefined ? {} : { authorization: settings.authorization };

  async function configure(config: Tree): Promise<void> {
    const whole = {
      ledger: join(folder, 'ledger.sqlite'),
      model: { threads: 1 },
      ...config,
      server: { port: 0, settle: '100 ms', ...(config.server as object | undefined) },
      storage: { folder, reserve: '1 MiB', ...(config.storage as object | undefined) },
      observe: { log: { level: 'debug', pretty: 'never' }, ...(config.observe as object | undefined) },
    };
    await writeFile(file, stringify(whole));
  }

  async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const started = spawn(
      process.execPath,
      [PROGRAM, 'serve', '--config', file, '--role', settings.role ?? 'all'],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...settings.env, ...env } },
    );
    child = started;
    exit = once(started, 'exit').then(([code, signal]) => ({ code, signal }));
    const ready = new Promise<string>((resolve, reject) => {
      createInterface({ input: started.stderr }).on('line', (line) => {
        said.push(line);
        if (!line.startsWith('{')) return;
        const entry = JSON.parse(line) as LogLine;
        log.push(entry);
        if (entry.msg === 'Ready') resolve(String(entry.url));
      });
      void exit?.then(() => reject(new Error(`the service ended:\n${said.slice(-20).join('\n')}`)));
    });
    ready.catch(() => {});
    url = await ready;
  }

  async function api(path: string, request: { method?: string; body?: unknown } = {}): Promise<unknown> {
    const answer = await fetch(url + path, {
      method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
      headers: { 'content-type': 'application/json', ...signIn },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    return answer.json();
  }

  async function study(uid: string): Promise<StudyRow | undefined> {
    const answer = await fetch(`${url}/api/studies/${uid}`, { headers: signIn }).catch(() => undefined);
    if (answer === undefined || answer.status !== 200) {
      await answer?.body?.cancel();
      return undefined;
    }
    return (await answer.json()) as StudyRow;
  }

  await configure(settings.config ?? {});
  await start();
  return {
    get url() {
      return url;
    },
    folder,
    log,
    said,
    get child() {
      if (child === undefined) throw new Error('not started');
      return child;
    },
    api,
    study,
    async reaches(uid, ...states) {
      const end = performance.now() + PATIENCE_MS;
      for (;;) {
        const row = await study(uid);
        if (row !== undefined && states.includes(row.state)) return row;
        if (performance.now() > end) {
          const what = JSON.stringify({ ...row, films: undefined, readings: undefined, objects: undefined });
          throw new Error(`not ${states.join(' or ')} but ${what}\n${said.slice(-15).join('\n')}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    push: (...films) => pushAs(signIn, url, films),
    configure,
    async end(signal = 'SIGTERM') {
      child?.kill(signal);
      return (await exit) ?? { code: null, signal: null };
    },
    async ended() {
      return (await exit) ?? { code: null, signal: null };
    },
    start,
    async remove() {
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        const late = setTimeout(() => child?.kill('SIGKILL'), 15_000);
        child.kill('SIGTERM');
        await exit;
        clearTimeout(late);
      }
      if (settings.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Pushes films by STOW-RS in one request. */
export function push(url: string, ...films: readonly Uint8Array[]): Promise<Response> {
  return pushAs({}, url, films);
}

async function pushAs(
  signIn: Readonly<Record<string, string>>,
  url: string,
  films: readonly Uint8Array[],
): Promise<Response> {
  const message = writeMultipart(
    'application/dicom',
    films.map((film) => ({ contentType: 'application/dicom', size: film.length, open: () => [film] })),
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of message.stream()) chunks.push(chunk);
  return fetch(`${url}/dicom-web/studies`, {
    method: 'POST',
    headers: { 'content-type': message.contentType, accept: 'application/dicom+json', ...signIn },
    body: Buffer.concat(chunks),
  });
}

/** A small frontal film of today; each seed is another study. */
export function film(seed: number, options: PhantomFile = {}): Uint8Array<ArrayBuffer> {
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  return Uint8Array.from(
    phantomFile({
      seed,
      width: 600,
      height: 512,
      ...options,
      attributes: { '00080020': element('DA', today), ...options.attributes },
    }),
  );
}

export function studyOf(file: Uint8Array): string {
  return identityOf(file).studyInstanceUid;
}

export function instanceOf(file: Uint8Array): string {
  return identityOf(file).sopInstanceUid;
}

/** Config of an Orthanc of the tests, polled every second. */
export function pacsConfig(orthanc: Orthanc, more: Tree = {}): Tree {
  return {
    name: 'orthanc',
    url: orthanc.url,
    auth: { type: 'basic', user: orthanc.username, password: orthanc.password },
    ...more,
  };
}

export const EVERY_SECOND = { poll: { schedule: '* * * * * *' } };

export function risConfig(ris: Ris, more: Tree = {}): Tree {
  return { name: 'ris', host: ris.host, port: ris.port, ...more };
}

const SR_CLASSES = ['1.2.840.10008.5.1.4.1.1.88.33', '1.2.840.10008.5.1.4.1.1.88.34'];
const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';

interface QidoRow {
  readonly [tag: string]: { readonly Value?: readonly unknown[] };
}

/** What a query shows of our results in an archive. */
export async function resultsIn(orthanc: Orthanc, study: string) {
  const answer = await fetch(`${orthanc.url}/studies/${study}/instances`, {
    headers: { accept: 'application/dicom+json', ...authorizationOf(orthanc) },
  });
  const rows = answer.status === 200 ? ((await answer.json()) as QidoRow[]) : [];
  const uidsOf = (classes: readonly string[]) =>
    rows
      .filter((row) => classes.includes(String(row['00080016']?.Value?.[0])))
      .map((row) => String(row['00080018']?.Value?.[0]));
  return { reports: uidsOf(SR_CLASSES), heatmaps: uidsOf([SECONDARY_CAPTURE]), instances: rows.length };
}

/** Orthanc's own id of a study or instance. */
export async function orthancId(orthanc: Orthanc, uid: string): Promise<string> {
  const answer = await fetch(`${orthanc.restUrl}/tools/lookup`, {
    method: 'POST',
    headers: authorizationOf(orthanc),
    body: uid,
  });
  const [found] = (await answer.json()) as { ID: string }[];
  if (found === undefined) throw new Error('Orthanc does not know it');
  return found.ID;
}

/** The bytes of an instance in Orthanc. */
export async function fileFrom(orthanc: Orthanc, sopInstanceUid: string): Promise<Buffer> {
  const id = await orthancId(orthanc, sopInstanceUid);
  const answer = await fetch(`${orthanc.restUrl}/instances/${id}/file`, {
    headers: authorizationOf(orthanc),
  });
  return Buffer.from(await answer.arrayBuffer());
}

function authorizationOf({ username, password }: Orthanc): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
