import { connect } from 'node:net';
import { DeepHealthError, type ErrorCode } from '../../errors/error.ts';
import type { Context } from '../context.ts';

/** Whether a peer can be reached now. */
export interface PeerCheck {
  readonly kind: 'pacs' | 'ris';
  readonly name: string;
  /** `unknown` while the first check is under way. */
  readonly state: 'up' | 'down' | 'unknown';
  /** Why not. */
  readonly code: string | null;
  readonly checkedAt: number | null;
}

/** A peer is asked again after this, and only while somebody looks. */
const FRESH_MS = 15_000;
/** An answer of the page waits no longer for a check; a slow one is shown by the next. */
const PATIENCE_MS = 1500;
const CONNECT_MS = 3000;

export interface PeerChecks {
  /** The last known state of every configured peer. */
  states(): Promise<readonly PeerCheck[]>;
}

/** Checks of the configured peers: a PACS by one cheap query, a RIS by opening a connection and no more. */
export function createPeerChecks({ inForce }: Pick<Context, 'inForce'>): PeerChecks {
  const known = new Map<string, PeerCheck>();
  const under = new Map<string, Promise<void>>();

  function look(kind: PeerCheck['kind'], name: string, check: () => Promise<void>): Promise<void> {
    const key = `${kind} ${name}`;
    const { checkedAt = null } = known.get(key) ?? {};
    if (checkedAt !== null && Date.now() - checkedAt < FRESH_MS) return Promise.resolve();
    const running = under.get(key);
    if (running !== undefined) return running;
    const started = check()
      .then(
        () => ({ state: 'up' as const, code: null }),
        (error: unknown) => ({ state: 'down' as const, code: codeOf(error) }),
      )
      .then((found) => {
        known.set(key, { kind, name, ...found, checkedAt: Date.now() });
      })
      .finally(() => under.delete(key));
    under.set(key, started);
    return started;
  }

  return {
    async states() {
      const { site, config } = inForce;
      const peers = [
        ...[...site.archives].map(
          ([name, client]) => ({ kind: 'pacs', name, check: () => client.check() }) as const,
        ),
        ...config.ris.map(
          ({ name, host, port }) => ({ kind: 'ris', name, check: () => opens(host, port) }) as const,
        ),
      ];
      const checks = Promise.all(peers.map(({ kind, name, check }) => look(kind, name, check)));
      await Promise.race([checks, after(PATIENCE_MS)]);
      return peers.map(
        ({ kind, name }) =>
          known.get(`${kind} ${name}`) ?? { kind, name, state: 'unknown', code: null, checkedAt: null },
      );
    },
  };
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof DeepHealthError ? error.code : 'internal.unexpected';
}

/** Whether something takes connections there. */
function opens(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const fail = () => {
      socket.destroy();
      reject(new DeepHealthError('mllp.unreachable'));
    };
    socket.setTimeout(CONNECT_MS, fail);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.end();
      resolve();
    });
  });
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
