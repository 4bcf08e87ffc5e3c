import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { DeepHealthError } from '../../errors/error.ts';
import { isTlsFailure, type TlsOptions, tlsConnectOptions } from '../../net/tls.ts';
import type { Spool } from './spool.ts';
import { framed } from './syslog.ts';

export interface SenderOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions;
  /** So many messages are taken for handed over. */
  onSent(messages: number): void;
  /** The repository is away, or back; told once each. */
  onChange(state: 'away' | 'back', failure: DeepHealthError | undefined): void;
}

export interface Sender {
  /** There is something in the spool. */
  wake(): void;
  /** Tries for a short while to hand over what waits, then ends. */
  stop(): Promise<void>;
}

const BATCH_BYTES = 256 * 1024;
/**
 * Syslog has no acknowledgement: what was written counts as handed over when the connection still stands so
 * long after it. What was on its way when a connection broke is sent again.
 */
const SETTLE_MS = 500;
const CONNECT_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const LAST_TRY_MS = 3000;

/** Hands the spool over to a syslog collector by TLS, in order, for as long as it takes. */
export function startSender(spool: Spool, options: SenderOptions): Sender {
  const stopping = new AbortController();
  let woken = Promise.withResolvers<void>();
  let failures = 0;
  let away = false;

  /** Hands over until nothing waits; the connection stays open for the next. */
  async function drain(socket: TLSSocket): Promise<void> {
    for (;;) {
      const messages = await spool.next(BATCH_BYTES);
      if (messages.length === 0) return;
      await write(socket, Buffer.concat(messages.map(framed)));
      await stands(socket, SETTLE_MS);
      await spool.done(messages.length);
      options.onSent(messages.length);
      if (away) options.onChange('back', undefined);
      away = false;
      failures = 0;
    }
  }

  async function run(): Promise<void> {
    let socket: TLSSocket | undefined;
    while (!stopping.signal.aborted || spool.bytes > 0) {
      if (spool.bytes === 0) {
        await Promise.race([woken.promise, aborted(stopping.signal)]);
        woken = Promise.withResolvers<void>();
        continue;
      }
      try {
        if (socket === undefined || socket.destroyed) socket = await open(options);
        await drain(socket);
      } catch (error) {
        socket?.destroy();
        spool.rewind();
        if (!away) options.onChange('away', error instanceof DeepHealthError ? error : undefined);
        away = true;
        failures += 1;
        if (stopping.signal.aborted) break;
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
        await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: stopping.signal }).catch(
          () => {},
        );
      }
    }
    socket?.end();
    socket?.destroySoon();
  }

  const running = run();
  return {
    wake: () => woken.resolve(),
    async stop() {
      stopping.abort();
      await Promise.race([running, sleep(LAST_TRY_MS)]);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function open({ host, port, tls }: SenderOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const named = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port, ...named, ...tlsConnectOptions(tls) });
    const timer = setTimeout(() => fail(undefined), CONNECT_MS);
    function fail(cause: unknown): void {
      clearTimeout(timer);
      socket.destroy();
      const code = isTlsFailure(cause) ? 'audit.tls' : 'audit.unreachable';
      reject(new DeepHealthError(code, undefined, { cause }));
    }
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      // 'close' follows and tells whoever waits.
      socket.on('error', () => {});
      socket.resume();
      socket.setKeepAlive(true, 30_000);
      // Held open between messages; it must not hold the process.
      socket.unref();
      resolve(socket);
    });
  });
}

function write(socket: TLSSocket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new DeepHealthError('audit.unreachable'));
    socket.once('close', lost);
    socket.write(bytes, (error) => {
      socket.off('close', lost);
      if (error == null) resolve();
      else lost();
    });
  });
}

/** Resolves when the connection stands for so long, rejects when it ends before. */
function stands(socket: TLSSocket, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed || socket.readableEnded) {
      reject(new DeepHealthError('audit.unreachable'));
      return;
    }
    const timer = setTimeout(() => {
      socket.off('close', lost);
      socket.off('end', lost);
      resolve();
    }, ms);
    function lost(): void {
      clearTimeout(timer);
      reject(new DeepHealthError('audit.unreachable'));
    }
    socket.once('close', lost);
    socket.once('end', lost);
  });
}
