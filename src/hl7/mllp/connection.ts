import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ErrorCode } from '../../errors/error.ts';
import { isTlsFailure, type TlsOptions, tlsConnectOptions } from '../../net/tls.ts';
import { createFrameReader, type FrameEvent } from './frame.ts';

/** What comes over a connection: frames, or its end, or nothing in the time given. */
export type ConnectionEvent =
  | FrameEvent
  /** `tls`: the peer ended it at TLS, as TLS 1.3 does after our handshake when it refuses our certificate. */
  | { readonly kind: 'lost'; readonly tls: boolean }
  | { readonly kind: 'late' };

/** One open connection to a receiver. */
export interface Connection {
  /** Closed or broken; it is of no use any more. */
  readonly lost: boolean;
  write(bytes: Uint8Array): void;
  /** The next event, or `late` after so many milliseconds. One call at a time. */
  next(withinMs: number): Promise<ConnectionEvent>;
  /** Closes at once. */
  destroy(): void;
  /** Closes in order. */
  end(): void;
}

export type ConnectionAttempt =
  | { readonly kind: 'open'; readonly connection: Connection }
  | { readonly kind: 'failed'; readonly code: Extract<ErrorCode, 'mllp.unreachable' | 'mllp.tls'> };

const KEEPALIVE_MS = 30_000;

/** Opens a connection with TCP keepalive, over TLS where options for it are given. Never rejects. */
export function connect(to: {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions | undefined;
  readonly timeoutMs: number;
  readonly maxFrameBytes: number;
}): Promise<ConnectionAttempt> {
  const { host, port, tls } = to;
  return new Promise((resolve) => {
    let handshaking = false;
    // A name for SNI; an address must not be one (RFC 6066 3).
    const named = isIP(host) === 0 ? { servername: host } : {};
    const socket: Socket =
      tls === undefined
        ? connectTcp({ host, port })
        : connectTls({ host, port, ...named, ...tlsConnectOptions(tls) });
    const timer = setTimeout(() => fail(handshaking ? 'mllp.tls' : 'mllp.unreachable'), to.timeoutMs);

    function fail(code: 'mllp.unreachable' | 'mllp.tls'): void {
      clearTimeout(timer);
      socket.destroy();
      resolve({ kind: 'failed', code });
    }

    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.setNoDelay(true);
    socket.once('connect', () => {
      handshaking = true;
    });
    socket.on('error', (error) => fail(isTlsFailure(error) || handshaking ? 'mllp.tls' : 'mllp.unreachable'));
    socket.once('close', () => fail(handshaking ? 'mllp.tls' : 'mllp.unreachable'));
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      socket.removeAllListeners('close');
      resolve({ kind: 'open', connection: openConnection(socket, to.maxFrameBytes) });
    });
  });
}

/** More than this many unread frames from a peer that never stops talking are not kept. */
const MAX_WAITING = 64;

function openConnection(socket: Socket, maxFrameBytes: number): Connection {
  const read = createFrameReader(maxFrameBytes);
  const waiting: FrameEvent[] = [];
  let lost = false;
  let tls = false;
  let wake: (() => void) | undefined;

  socket.on('data', (chunk: Buffer) => {
    for (const event of read(chunk)) if (waiting.length < MAX_WAITING) waiting.push(event);
    if (waiting.length > 0) wake?.();
  });
  // 'close' follows every error.
  socket.on('error', (error) => {
    tls ||= isTlsFailure(error);
  });
  socket.once('end', () => socket.destroy());
  socket.once('close', () => {
    lost = true;
    wake?.();
  });

  return {
    get lost() {
      return lost || socket.destroyed;
    },
    write: (bytes) => {
      if (!socket.destroyed) socket.write(bytes);
    },
    async next(withinMs) {
      // Before what is waiting: a peer that never stops talking must not put the end off.
      if (withinMs <= 0) return { kind: 'late' };
      if (waiting.length === 0 && !lost) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, withinMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
      return waiting.shift() ?? (lost ? { kind: 'lost', tls } : { kind: 'late' });
    },
    destroy: () => socket.destroy(),
    end: () => socket.end(),
  };
}
