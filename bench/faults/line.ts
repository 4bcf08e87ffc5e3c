import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Chance } from '../../src/dicom/phantom/random.ts';

/** What happens to what passes. */
export interface Weather {
  /** Longest delay of a piece, in milliseconds; each is drawn anew, order within a connection stays. */
  readonly delayMs: number;
  /** Chance that a piece is cut in its middle and the connection with it. */
  readonly cut: number;
  /** Chance that a request is sent a second time later, over a connection of its own, its answer dropped. */
  readonly repeat: number;
}

export const CALM: Weather = { delayMs: 0, cut: 0, repeat: 0 };

/** A line between two programs on this machine that can be made bad. */
export interface Line {
  readonly port: number;
  weather: Weather;
  /** Pieces stay where they are and nobody is told, until `flow`. */
  stall(): void;
  flow(): void;
  /** Ends every connection at once, with whatever is on its way; new ones are taken. */
  cutAll(): void;
  /** What was done so far. */
  readonly done: { readonly cuts: number; readonly repeats: number };
  close(): Promise<void>;
}

/** Requests above this are not kept for a repetition, in bytes. */
const LONGEST_REPEAT = 8 * 2 ** 20;
/** A repetition comes up to so much later: after messages that were sent after it. */
const REPEAT_WITHIN_MS = 4000;

/** @param chance seeded, so that the same run meets the same luck as far as timing allows */
export async function startLine(target: number, chance: Chance, port = 0): Promise<Line> {
  const sockets = new Set<Socket>();
  const repeats = new Set<NodeJS.Timeout>();
  const done = { cuts: 0, repeats: 0 };
  let weather = CALM;
  let stalled: PromiseWithResolvers<void> | undefined;

  function cutAll(): void {
    for (const socket of sockets) socket.resetAndDestroy();
  }

  /** Passes pieces on in their order, each after its delay. */
  function pass(from: Socket, to: Socket, seen: (piece: Buffer) => void): void {
    let last = Promise.resolve();
    let waiting = 0;
    let dead = false;
    from.on('data', (piece: Buffer) => {
      seen(piece);
      waiting += piece.length;
      if (waiting > 4 * 2 ** 20) from.pause();
      last = last.then(async () => {
        await stalled?.promise;
        if (weather.delayMs > 0) {
          await new Promise((resolve) => setTimeout(resolve, chance.between(0, weather.delayMs)));
        }
        // After a cut nothing follows: a line loses its end, never its middle.
        if (dead) return;
        if (chance.next() < weather.cut) {
          dead = true;
          done.cuts += 1;
          to.write(piece.subarray(0, Math.floor(piece.length * chance.next())));
          // A moment for the part to arrive, then the line is dead for both.
          setTimeout(() => {
            from.resetAndDestroy();
            to.destroySoon();
          }, 5);
          return;
        }
        if (!to.destroyed) to.write(piece);
        waiting -= piece.length;
        if (from.isPaused() && waiting < 2 ** 20) from.resume();
      });
    });
    from.on('end', () => void last.then(() => to.end()));
    from.on('close', () => void last.then(() => to.destroySoon()));
  }

  function repeat(request: Buffer): void {
    const timer = setTimeout(
      () => {
        repeats.delete(timer);
        const again = connect(target, '127.0.0.1');
        sockets.add(again);
        again.on('error', () => {});
        again.on('close', () => sockets.delete(again));
        again.setTimeout(5000, () => again.destroy());
        again.on('data', () => again.setTimeout(500));
        again.write(request);
        done.repeats += 1;
      },
      chance.between(0, REPEAT_WITHIN_MS),
    );
    repeats.add(timer);
  }

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const peer = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [client, peer]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    peer.on('error', () => client.resetAndDestroy());
    // What the client sent since the peer last spoke is one request: both protocols take turns.
    let request: Buffer[] | undefined = [];
    let size = 0;
    pass(client, peer, (piece) => {
      size += piece.length;
      if (size > LONGEST_REPEAT) request = undefined;
      request?.push(piece);
    });
    pass(peer, client, () => {
      if (request !== undefined && size > 0 && chance.next() < weather.repeat) repeat(Buffer.concat(request));
      request = [];
      size = 0;
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    done,
    get weather() {
      return weather;
    },
    set weather(next) {
      weather = next;
    },
    stall() {
      stalled ??= Promise.withResolvers();
    },
    flow() {
      stalled?.resolve();
      stalled = undefined;
    },
    cutAll,
    async close() {
      for (const timer of repeats) clearTimeout(timer);
      stalled?.resolve();
      const closed = once(server, 'close');
      server.close();
      cutAll();
      await closed;
    },
  };
}
