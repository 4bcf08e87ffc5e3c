/**
 * docker-compose.yml without an engine: the same programs with the same commands, environment, configuration and
 * secrets, as processes of this machine. Host names become loopback ports, mounted paths become folders.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { parse } from 'yaml';
import { npmPeerFolder, OHIF } from '../../scripts/npm-peer.ts';
import { freePorts } from '../peers/ports.ts';
import { type PostgresPeer, startPostgres } from '../peers/postgres.ts';
import { stopProcess, until } from '../peers/process.ts';
import { type RabbitmqPeer, startRabbitmq } from '../peers/rabbitmq.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Mount {
  readonly source: string;
  readonly target: string;
}

/** A service of the file, as far as it is looked at. */
export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly user?: string;
  readonly hostname?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly configs?: readonly Mount[];
  readonly secrets?: readonly (string | Mount)[];
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ulimits?: Readonly<Record<string, number>>;
  readonly stop_grace_period?: string;
  readonly pids_limit?: number;
  readonly deploy?: {
    readonly resources?: { readonly limits?: { readonly cpus?: string; readonly memory?: string } };
  };
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

export function readCompose(): ComposeFile {
  return parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as ComposeFile;
}

/** Makes the secrets as docs/install.md says, into a folder. */
export function makeSecrets(folder: string): void {
  execFileSync('sh', [join(ROOT, 'deploy/compose/make-secrets.sh'), folder], { stdio: 'ignore' });
}

export interface ComposedSite {
  readonly orthancUrl: string;
  readonly dicomPort: number;
  readonly viewerUrl: string;
  readonly risUrl: string;
  readonly intakeUrl: string;
  secret(name: string): string;
  /** Runs the health check of a service as the file has it; whether it is healthy. */
  healthy(service: string): Promise<boolean>;
  /** What every process of ours wrote. */
  said(): string;
  stop(): Promise<void>;
}

/** Replaces texts of a file that have to be there: a file that changed shape fails here, not later. */
function replaced(text: string, changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((made, [from, to]) => {
    if (!made.includes(from)) throw new Error(`${from} does not stand in the file any more`);
    return made.replaceAll(from, to);
  }, text);
}

/** Starts everything that the file names. */
export async function startComposed(): Promise<ComposedSite> {
  const compose = readCompose();
  const folder = await mkdtemp(join(tmpdir(), 'dh-compose-'));
  const secrets = join(folder, 'secrets');
  makeSecrets(secrets);
  const [orthancHttp = 0, dicom = 0, viewer = 0, mllp = 0, risPage = 0, intake = 0, read = 0, deliver = 0] =
    await freePorts(8);
  const running: ChildProcess[] = [];
  const said: string[] = [];
  let postgres: PostgresPeer | undefined;
  let rabbitmq: RabbitmqPeer | undefined;

  const service = (name: string): ComposeService => {
    const found = compose.services[name];
    if (found === undefined) throw new Error(`docker-compose.yml has no ${name}`);
    return found;
  };
  const secret = (name: string) => readFileSync(join(secrets, name), 'utf8').trim();
  const configFile = (name: string) => join(ROOT, compose.configs[name]?.file ?? '');

  function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', TMPDIR: folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => said.push(text));
    }
  }

  async function stop(): Promise<void> {
    await Promise.all(running.map((child) => stopProcess(child, 30_000)));
    await Promise.all([postgres?.remove(), rabbitmq?.remove()]);
    await rm(folder, { recursive: true, force: true });
  }

  try {
    [postgres, rabbitmq] = await Promise.all([
      startPostgres(),
      startRabbitmq(accountOf(readFileSync(join(secrets, 'rabbitmq.conf'), 'utf8'))),
    ]);
    await makeDatabase(postgres, service('postgres').environment ?? {}, secret('postgres_password'));

    // Orthanc reads every file of the folder that its command names.
    const orthanc = join(folder, 'orthanc');
    await mkdir(join(orthanc, 'db'), { recursive: true });
    await mkdir(join(orthanc, 'etc'));
    await writeFile(
      join(orthanc, 'etc', 'orthanc.json'),
      replaced(readFileSync(configFile('orthanc'), 'utf8'), [
        ['"/var/lib/orthanc/db"', JSON.stringify(join(orthanc, 'db'))],
        ['"/tmp"', JSON.stringify(folder)],
        ['/usr/local/share/orthanc/plugins/', '/usr/share/orthanc/plugins/'],
        ['"HttpPort": 8042', `"HttpPort": ${orthancHttp}`],
        ['"DicomPort": 4242', `"DicomPort": ${dicom}`],
      ]),
    );
    await copyFile(join(secrets, 'orthanc_users.json'), join(orthanc, 'etc', 'orthanc_users.json'));
    run('/usr/sbin/Orthanc', service('orthanc').command?.map(() => join(orthanc, 'etc')) ?? []);

    const { entrypoint: risEntry = [], environment: risEnv = {} } = service('ris');
    run(process.execPath, risEntry.slice(1), {
      ...risEnv,
      HOST: '127.0.0.1',
      MLLP_PORT: String(mllp),
      HTTP_PORT: String(risPage),
      PASSWORD_FILE: join(secrets, basename(risEnv.PASSWORD_FILE ?? '')),
    });

    const viewerFolder = join(folder, 'viewer');
    await mkdir(viewerFolder);
    await cp(configFile('viewer-app'), join(viewerFolder, 'app-config.js'));
    await writeFile(
      join(viewerFolder, 'nginx.conf'),
      replaced(readFileSync(configFile('viewer-nginx'), 'utf8'), [
        // Before the paths that hold the test's own folder, which is in /tmp as well.
        [' /tmp/', ` ${viewerFolder}/`],
        ['listen 8080', `listen 127.0.0.1:${viewer}`],
        ['http://orthanc:8042', `http://127.0.0.1:${orthancHttp}`],
        ['/run/secrets/', `${secrets}/`],
        ['/etc/deep-health/', `${viewerFolder}/`],
        ['/usr/share/nginx/html', join(npmPeerFolder(OHIF), 'dist')],
        ['/dev/stderr', 'stderr'],
      ]),
    );
    await until('Orthanc answers', async () => (await fetch(`http://127.0.0.1:${orthancHttp}`)).status > 0);
    // Root's workers would change to an account that may not look into the test's folder.
    const asRoot = process.getuid?.() === 0 ? ' user root;' : '';
    run(
      '/usr/sbin/nginx',
      (service('viewer').entrypoint ?? [])
        .slice(1)
        .map((word) => (word === 'daemon off;' ? word + asRoot : word))
        .map((word) => word.replace('/etc/deep-health', viewerFolder)),
    );

    const shared = join(folder, 'data');
    const yaml = readFileSync(configFile('deep-health'), 'utf8');
    for (const [name, port] of Object.entries({ intake, read, deliver })) {
      const config = join(folder, `${name}.yaml`);
      const mapped = replaced(yaml, [
        ['host: 0.0.0.0', `host: 127.0.0.1\n  port: ${port}\n `],
        ['http://orthanc:8042', `http://127.0.0.1:${orthancHttp}`],
        ['host: ris, port: 2575', `host: 127.0.0.1, port: ${mllp}`],
        ['@rabbitmq:5672', `@${new URL(rabbitmq.url).host}`],
        ['@postgres:5432', `@${new URL(postgres.url).host}`],
        ['/run/secrets/', `${secrets}/`],
        ['folder: /data', `folder: ${shared}`],
      ]);
      await writeFile(config, mapped);
      // The image's entry point, the service's command.
      run(process.execPath, ['bin/deep-health.mjs', ...(service(name).command ?? [])], {
        DEEP_HEALTH_CONFIG: config,
      });
    }

    const ports: Readonly<Record<string, readonly [string, number]>> = {
      intake: ['127.0.0.1:8104', intake],
      read: ['127.0.0.1:8104', read],
      deliver: ['127.0.0.1:8104', deliver],
      ris: ['127.0.0.1:8080', risPage],
      orthanc: ['127.0.0.1/8042', orthancHttp],
    };
    return {
      orthancUrl: `http://127.0.0.1:${orthancHttp}`,
      dicomPort: dicom,
      viewerUrl: `http://127.0.0.1:${viewer}`,
      risUrl: `http://127.0.0.1:${risPage}`,
      intakeUrl: `http://127.0.0.1:${intake}`,
      secret,
      async healthy(name) {
        const [inside, port] = ports[name] ?? ['', 0];
        const [kind, program = '', ...args] = service(name).healthcheck?.test ?? [];
        if (kind !== 'CMD') throw new Error(`${name} has no command as health check`);
        const words = args.map((word) =>
          word.replaceAll('$$', '$').replace(inside, inside.replace(/\d+$/, String(port))),
        );
        const child = spawn(program === 'node' ? process.execPath : program, words, {
          cwd: ROOT,
          stdio: 'ignore',
        });
        const [status] = await once(child, 'exit');
        return status === 0;
      },
      said: () => said.join(''),
      stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`It did not start:\n${said.join('').slice(-4000)}`, { cause: error });
  }
}

/** The account in RabbitMQ's own form, as the secret holds it. */
function accountOf(conf: string): { user: string; password: string } {
  const value = (key: string) => new RegExp(`^${key} = (\\S+)$`, 'm').exec(conf)?.[1];
  const user = value('default_user');
  const password = value('default_pass');
  if (user === undefined || password === undefined) throw new Error('The secret names no account');
  return { user, password };
}

/** What the image of PostgreSQL does at its first start. */
async function makeDatabase(
  server: PostgresPeer,
  environment: Readonly<Record<string, string>>,
  password: string,
): Promise<void> {
  const { POSTGRES_USER: user = '', POSTGRES_DB: database = '' } = environment;
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query(`create role "${user}" login password '${password}'`);
  await client.query(`create database "${database}" owner "${user}"`);
  await client.end();
}
