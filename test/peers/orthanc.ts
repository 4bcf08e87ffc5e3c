import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOfFile } from '../../src/dicom/web/identity.ts';
import { freePorts } from './ports.ts';
import { run, stopProcess, until } from './process.ts';

const BINARY = '/usr/sbin/Orthanc';
const DICOM_WEB_PLUGIN = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
/** storescu's option for each transfer syntax that is not among its uncompressed ones. */
const PROPOSALS: Readonly<Record<string, string>> = {
  '1.2.840.10008.1.2.1.99': '-xd',
  '1.2.840.10008.1.2.2': '-xb',
  '1.2.840.10008.1.2.4.50': '-xy',
  '1.2.840.10008.1.2.4.51': '-xx',
  '1.2.840.10008.1.2.4.70': '-xs',
  '1.2.840.10008.1.2.4.80': '-xt',
  '1.2.840.10008.1.2.4.81': '-xu',
  '1.2.840.10008.1.2.4.90': '-xv',
  '1.2.840.10008.1.2.4.91': '-xw',
  '1.2.840.10008.1.2.5': '-xr',
};

const USER = 'pacs-user';
const PASSWORD = 'pacs-password';

/** Whether a real Orthanc with DICOMweb and dcmtk's storescu can run here; a test skips itself if not. */
export function orthancInstalled(): boolean {
  return [BINARY, DICOM_WEB_PLUGIN, '/usr/bin/storescu'].every((path) => existsSync(path));
}

export interface OrthancOptions {
  /** STOW-RS servers that it can push to, by name. */
  readonly servers?: Readonly<
    Record<string, { url: string; chunked?: boolean; username?: string; password?: string }>
  >;
  /** Lua script, e.g. with OnStableStudy. */
  readonly lua?: string;
  /** Seconds without change until a study is stable; default 2. */
  readonly stableAge?: number;
  /** Further settings, on top. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A running Orthanc with a folder and ports of its own. */
export interface Orthanc {
  /** Root of its REST API, without a slash at the end. */
  readonly restUrl: string;
  /** Root of its DICOMweb services. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly dicomPort: number;
  readonly aet: string;
  /** Its REST API with the password; the JSON of the answer. Rejects on a status that is not 2xx. */
  rest(path: string, request?: { method?: string; body?: unknown }): Promise<unknown>;
  /** Stores files by C-STORE, from outside, as a modality would. */
  storeScu(files: readonly string[]): Promise<void>;
  /** Ends it and keeps its archive, for a later `start`. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** Sends it a signal (SIGKILL, SIGSTOP, SIGCONT) without waiting for anything. */
  signal(name: NodeJS.Signals): void;
  /** Halts and starts it. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a real Orthanc with its DICOMweb plugin on loopback; ready when it resolves. */
export async function startOrthanc(options: OrthancOptions = {}): Promise<Orthanc> {
  const folder = await mkdtemp(join(tmpdir(), 'orthanc-'));
  const [httpPort = 0, dicomPort = 0] = await freePorts(2);
  const aet = 'TESTPACS';
  await mkdir(join(folder, 'storage'));
  if (options.lua !== undefined) await writeFile(join(folder, 'hook.lua'), options.lua);
  const servers = Object.entries(options.servers ?? {}).map(([name, server]) => [
    name,
    {
      Url: server.url,
      ChunkedTransfers: server.chunked ?? true,
      ...(server.username === undefined ? {} : { Username: server.username, Password: server.password }),
    },
  ]);
  const settings = {
    Name: 'test',
    StorageDirectory: join(folder, 'storage'),
    IndexDirectory: join(folder, 'storage'),
    TemporaryDirectory: folder,
    Plugins: [DICOM_WEB_PLUGIN],
    LuaScripts: options.lua === undefined ? [] : [join(folder, 'hook.lua')],
    HttpPort: httpPort,
    RemoteAccessAllowed: false,
    AuthenticationEnabled: true,
    RegisteredUsers: { [USER]: PASSWORD },
    DicomAet: aet,
    DicomPort: dicomPort,
    DicomCheckCalledAet: false,
    DicomAlwaysAllowStore: true,
    UnknownSopClassAccepted: true,
    OverwriteInstances: false,
    StableAge: options.stableAge ?? 2,
    DicomWeb: { Enable: true, Root: '/dicom-web/', Servers: Object.fromEntries(servers) },
    ...options.settings,
  };
  await writeFile(join(folder, 'orthanc.json'), JSON.stringify(settings));

  const restUrl = `http://127.0.0.1:${httpPort}`;
  const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  let child: ChildProcess | undefined;

  async function rest(path: string, request: { method?: string; body?: unknown } = {}): Promise<unknown> {
    const answer = await fetch(restUrl + path, {
      method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
      headers: { authorization, 'content-type': 'application/json' },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Orthanc: ${path} answered ${answer.status}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async function start(): Promise<void> {
    const log = openSync(join(folder, 'orthanc.log'), 'a');
    const started = spawn(BINARY, [join(folder, 'orthanc.json')], {
      stdio: ['ignore', log, log],
      cwd: folder,
    });
    child = started;
    await until('Orthanc is up', async () => {
      if (started.exitCode !== null) throw new Error('Orthanc ended');
      await rest('/system');
      return true;
    });
  }

  async function halt(): Promise<void> {
    if (child !== undefined) await stopProcess(child);
    child = undefined;
  }

  await start();
  return {
    restUrl,
    url: `${restUrl}/dicom-web`,
    username: USER,
    password: PASSWORD,
    dicomPort,
    aet,
    rest,
    async storeScu(files) {
      for (const file of files) {
        const syntax = (await identityOfFile(file)).transferSyntaxUid;
        const proposal = PROPOSALS[syntax] ?? '-x=';
        await run('/usr/bin/storescu', [proposal, '-aec', aet, '127.0.0.1', String(dicomPort), file]);
      }
    },
    halt,
    start,
    signal: (name) => void child?.kill(name),
    async restart() {
      await halt();
      await start();
    },
    async stop() {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
