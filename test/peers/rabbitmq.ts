import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from './ports.ts';

const run = promisify(execFile);
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';

/** A RabbitMQ node of the test's own: own folder, cookie, ports and port mapper. */
export interface RabbitmqPeer {
  /** `amqp://user:password@127.0.0.1:port`. */
  readonly url: string;
  /** Stops the node; its files stay. `kill` ends it without a word, as a crash. */
  stop(mode?: 'orderly' | 'kill'): Promise<void>;
  /** Starts it again on the same port with the same files. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Cuts every client's connection, as a network failure would. */
  closeConnections(): Promise<void>;
  /** Stops it, with its port mapper, and removes its files. */
  remove(): Promise<void>;
}

export function rabbitmqIsInstalled(): boolean {
  return existsSync(SERVER);
}

/** The one account of a node. */
export interface RabbitmqAccount {
  readonly user: string;
  readonly password: string;
}

/** Starts a node with one user on a free port of the loopback; about 7 s. */
export async function startRabbitmq(
  { user, password }: RabbitmqAccount = { user: 'test', password: randomBytes(12).toString('hex') },
): Promise<RabbitmqPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'dh-rabbitmq-'));
  const [port, nodePort, mapperPort] = await freePorts(3);
  await writeFile(join(folder, '.erlang.cookie'), randomBytes(12).toString('hex'), { mode: 0o400 });
  await writeFile(join(folder, 'enabled_plugins'), '[].\n');
  await writeFile(
    join(folder, 'rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      `default_user = ${user}`,
      `default_pass = ${password}`,
      'loopback_users = none',
      'disk_free_limit.absolute = 50MB',
    ].join('\n'),
  );
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: folder,
    // The name has to be another one on each node of a port mapper only; each has a mapper of its own.
    RABBITMQ_NODENAME: `test${port}@localhost`,
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none.conf'),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_PID_FILE: join(folder, 'rabbit.pid'),
    RABBITMQ_DIST_PORT: String(nodePort),
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none',
  };

  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    // A group of its own: the start script, the node and the node's helpers end together.
    const child = spawn(SERVER, { cwd: folder, env, stdio: 'ignore', detached: true });
    server = child;
    while (!(await answers(port ?? 0))) {
      if (child.exitCode !== null)
        throw new Error(`RabbitMQ ended with ${child.exitCode}: ${lastLog(folder)}`);
      await sleep(200);
    }
  }

  async function stop(mode: 'orderly' | 'kill' = 'orderly'): Promise<void> {
    const child = server;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    server = undefined;
    const ended = once(child, 'exit');
    if (mode === 'kill') process.kill(-child.pid, 'SIGKILL');
    else await control('stop').catch(() => process.kill(-(child.pid ?? 0), 'SIGKILL'));
    await ended;
    while (await answers(port ?? 0)) await sleep(100);
  }

  async function control(...args: readonly string[]): Promise<void> {
    await run(CONTROL, ['-n', `test${port}@localhost`, ...args], { cwd: folder, env });
  }

  await start();
  return {
    url: `amqp://${user}:${password}@127.0.0.1:${port}`,
    stop,
    start,
    async restart() {
      await stop();
      await start();
    },
    closeConnections: () => control('close_all_connections', 'test'),
    async remove() {
      await stop('kill');
      await run('epmd', ['-port', String(mapperPort), '-kill'], { env }).catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Whether an AMQP server is there: it answers a wrong protocol header with the right one (AMQP 0-9-1 4.2.2). */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(2000, () => socket.destroy());
  return new Promise((resolve) => {
    socket.once('data', (bytes) => resolve(bytes.subarray(0, 4).toString('latin1') === 'AMQP'));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.write('HELO\0\0\0\0');
  }).then((answer) => {
    socket.destroy();
    return answer === true;
  });
}

function lastLog(folder: string): string {
  const log = join(folder, 'log', 'startup_err');
  return existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : '';
}
