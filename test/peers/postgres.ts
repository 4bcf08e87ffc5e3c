import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './ports.ts';

const run = promisify(execFile);

/** A PostgreSQL server of the test's own, with a fresh cluster in a folder of its own. */
export interface PostgresPeer {
  /** `postgres://...` of an empty database. */
  readonly url: string;
  /** Another empty database on the same server. */
  database(): Promise<string>;
  /** Stops the server; its files stay. `immediate` is a crash: no checkpoint, recovery at the next start. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again on the same port with the same files. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Stops it and removes its files. */
  remove(): Promise<void>;
}

/** Folder of initdb and pg_ctl of the newest version installed; undefined when PostgreSQL is not. */
function programs(): string | undefined {
  return globSync('/usr/lib/postgresql/*/bin')
    .filter((folder) => existsSync(join(folder, 'initdb')))
    .sort()
    .at(-1);
}

export function postgresIsInstalled(): boolean {
  return programs() !== undefined;
}

/** Starts a server on a free port of the loopback. PostgreSQL refuses to run as root: then as `postgres`. */
export async function startPostgres(): Promise<PostgresPeer> {
  const bin = programs();
  if (bin === undefined) throw new Error('PostgreSQL is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'dh-postgres-'));
  const asRoot = process.getuid?.() === 0;
  if (asRoot) {
    const uid = Number((await run('id', ['-u', 'postgres'])).stdout);
    await chown(folder, uid, Number((await run('id', ['-g', 'postgres'])).stdout));
  }
  const port = await freePort();
  const files = join(folder, 'db');

  async function program(name: string, args: readonly string[]): Promise<void> {
    const command = [join(bin ?? '', name), ...args];
    // pg_ctl leaves the server with the pipes it was given, so they are closed for it.
    const line = `${command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')} > ${folder}/out.log 2>&1 < /dev/null`;
    try {
      if (asRoot) await run('su', ['postgres', '-s', '/bin/sh', '-c', line], { cwd: folder });
      else await run('/bin/sh', ['-c', line], { cwd: folder });
    } catch (error) {
      const said = await readFile(join(folder, 'out.log'), 'utf8').catch(() => '');
      throw new Error(`${name} failed: ${said}`, { cause: error });
    }
  }

  // Without fsync: the tests stop the server, not the machine, and what the kernel has survives that.
  const start = () =>
    program('pg_ctl', [
      ...['-D', files, '-l', join(folder, 'server.log'), '-w'],
      ...['-o', `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`, 'start'],
    ]);
  const stop = (mode: 'fast' | 'immediate' = 'fast') =>
    program('pg_ctl', ['-D', files, '-m', mode, '-w', 'stop']);

  const url = (database: string) => `postgres://test@127.0.0.1:${port}/${database}`;
  let databases = 0;
  async function database(): Promise<string> {
    databases += 1;
    const name = `ledger${databases}`;
    const client = new pg.Client(url('postgres'));
    await client.connect();
    await client.query(`create database ${name}`);
    await client.end();
    return url(name);
  }

  await program('initdb', ['-D', files, '-A', 'trust', '-U', 'test', '-E', 'UTF8', '--no-sync']);
  await start();
  return {
    url: await database(),
    database,
    stop,
    start,
    async restart() {
      await stop();
      await start();
    },
    async remove() {
      await stop('immediate').catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
