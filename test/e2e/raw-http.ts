import { connect, type Socket } from 'node:net';

/** What came back over a connection on which we say what no HTTP client would. */
export interface Heard {
  readonly text: string;
  /** Status codes of the answers, in order. */
  readonly statuses: readonly number[];
}

export interface RawOptions {
  /** Another address of the loopback: another client. */
  readonly from?: string;
  /** Resolves as soon as so many answers are there; else when the service ends the connection. */
  readonly answers?: number;
  /** Says more after the first bytes, and may wait in between. */
  readonly more?: (socket: Socket) => Promise<void> | void;
}

const PATIENCE_MS = 90_000;

/** Says something and listens. Rejects when neither the answers nor the end of the connection come. */
export function say(url: string, bytes: string | Uint8Array, options: RawOptions = {}): Promise<Heard> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({
      host: hostname,
      port: Number(port),
      ...(options.from === undefined ? {} : { localAddress: options.from }),
    });
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`nothing ended the connection; heard: ${text.slice(0, 300)}`));
    }, PATIENCE_MS);
    const done = () => {
      clearTimeout(late);
      socket.destroy();
      resolve({ text, statuses: statusesIn(text) });
    };
    socket.setEncoding('latin1');
    socket.on('data', (more: Buffer | string) => {
      text += String(more);
      if (options.answers !== undefined && statusesIn(text).length >= options.answers) done();
    });
    // The service may well break a connection on which nonsense comes.
    socket.on('error', () => {});
    socket.on('close', done);
    socket.on('connect', async () => {
      socket.write(bytes);
      await options.more?.(socket);
    });
  });
}

function statusesIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)]
    .map(([, status]) => Number(status))
    .filter((status) => status !== 100);
}

/** Connections that say nothing; `alive` of them are still open. */
export async function silent(
  url: string,
  count: number,
  from?: string,
): Promise<{ alive(): number; end(): void }> {
  const { hostname, port } = new URL(url);
  const sockets = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Socket>((resolve) => {
          const socket = connect({
            host: hostname,
            port: Number(port),
            ...(from === undefined ? {} : { localAddress: from }),
          });
          socket.on('error', () => {});
          socket.once('connect', () => resolve(socket)).once('close', () => resolve(socket));
          socket.resume();
        }),
    ),
  );
  return {
    alive: () => sockets.filter((socket) => !socket.destroyed).length,
    end() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
