import { access, constants, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import { connect } from 'amqplib';
import { request } from 'undici';
import { DeepHealthError } from '../../errors/error.ts';
import { lookAtLedger } from '../../ledger/look.ts';
import { destinationsOf } from '../../reading/plan-deliveries.ts';
import type { Config } from '../schema.ts';
import { parseSize } from '../units.ts';
import type { Probe } from './probe.ts';

/** Whether the address can be listened on, or this service does already. */
export function portProbe({ server: { host, port, tls } }: Config): Probe {
  return {
    what: 'server.port',
    async run() {
      const failure = await listenFailure(host, port);
      if (failure === undefined) return port === 0 ? 'takes a free one' : `${host}:${port} is free`;
      if (failure === 'EADDRINUSE' && (await isOurs(host, port, tls !== undefined))) {
        return `${host}:${port} is in use by this service`;
      }
      throw failure === 'EADDRINUSE'
        ? new DeepHealthError('service.port-taken', `Another program listens on ${host}:${port}.`)
        : new DeepHealthError('service.address', `Cannot listen on ${host}:${port} (${failure}).`);
    },
  };
}

function listenFailure(host: string, port: number): Promise<string | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'unknown'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(undefined)));
  });
}

/** Asks who listens there; over TLS it is believed, since the answer decides nothing but this sentence. */
async function isOurs(host: string, port: number, tls: boolean): Promise<boolean> {
  if (tls) return false;
  const address = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  try {
    const answer = await request(`http://${address}:${port}/livez`, { signal: AbortSignal.timeout(3000) });
    const alive = (await answer.body.json()) as { alive?: unknown };
    return alive.alive === true;
  } catch {
    return false;
  }
}

/** Whether the data folder (or the nearest one above it that is there) can be written, and has room. */
export function dataFolderProbe({ storage }: Config): Probe {
  return {
    what: 'storage.folder',
    async run() {
      const folder = await nearestFolder(resolve(storage.folder));
      await access(folder, constants.W_OK).catch((cause: unknown) => {
        throw new DeepHealthError('service.folder', undefined, { cause });
      });
      const { bavail, bsize } = await statfs(folder);
      const free = bavail * bsize;
      const shown = `${(free / 2 ** 30).toFixed(1)} GiB free`;
      if (free < (parseSize(storage.reserve) ?? 0)) {
        throw new DeepHealthError('storage.low', `${shown}, less than storage.reserve (${storage.reserve}).`);
      }
      return `writable, ${shown}${folder === resolve(storage.folder) ? '' : '; made at the first start'}`;
    },
  };
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return path;
  if (found !== undefined || dirname(path) === path) throw new DeepHealthError('service.folder');
  return nearestFolder(dirname(path));
}

/**
 * Whether the ledger answers, lets us in, can be written, and is not of a later version; and whether results wait in it
 * for a destination that this configuration does not name.
 */
export function ledgerProbe(config: Config): Probe {
  const FOUND = {
    new: 'reachable, empty; made at the first start',
    current: 'reachable, schema is current',
    older: 'reachable, brought up to date at the next start',
  } as const;
  return {
    what: 'ledger',
    async run() {
      const look = await lookAtLedger(config.ledger);
      const configured = destinationsOf(config).map(({ destination }) => destination);
      const stranded =
        look.kind === 'new' ? [] : [...look.waiting].filter(([name]) => !configured.includes(name));
      if (stranded.length > 0) {
        const named = stranded.map(([name, count]) => `${count} for ${name}`).join(', ');
        throw new DeepHealthError(
          'delivery.no-destination',
          `Results wait for what the configuration does not name: ${named}.`,
        );
      }
      return FOUND[look.kind];
    },
  };
}

/** Whether the broker takes our credentials. */
export function queueProbe({ queue }: Config): Probe {
  return {
    what: 'queue',
    async run() {
      if (queue === 'embedded') return 'embedded in the ledger';
      const connection = await connect(queue, { timeout: 10_000 }).catch((cause: unknown) => {
        const refused = /ACCESS[_-]REFUSED|NOT[_-]ALLOWED|\b403\b|\b530\b/i.test(String(cause));
        throw new DeepHealthError(refused ? 'queue.access-denied' : 'queue.unreachable', undefined, {
          cause,
        });
      });
      connection.on('error', () => undefined);
      await connection.close().catch(() => undefined);
      return 'reachable, credentials accepted';
    },
  };
}
