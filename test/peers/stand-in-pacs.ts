import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TlsOptions } from 'node:tls';

/** A request as the stand-in got it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What it does with a request; it may also leave it, or break the connection. */
export type Behaviour = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

/** A PACS for what no real one can be made to do. */
export interface StandInPacs {
  readonly url: string;
  readonly port: number;
  /** Every request so far. */
  readonly seen: SeenRequest[];
  behave(behaviour: Behaviour): void;
  stop(): Promise<void>;
}

/** Starts a stand-in on loopback, over TLS where options for it are given. Without a behaviour it says 404. */
export async function startStandInPacs(tls?: TlsOptions): Promise<StandInPacs> {
  const seen: SeenRequest[] = [];
  const none: Behaviour = (_request, response) => void response.writeHead(404).end();
  let behaviour = none;
  const listener: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const one: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    seen.push(one);
    await behaviour(one, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}/dicom-web`,
    port: address.port,
    seen,
    behave(next) {
      behaviour = next;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers with DICOM JSON. */
export function sendJson(response: ServerResponse, status: number, dataset: unknown): void {
  response.writeHead(status, { 'content-type': 'application/dicom+json' }).end(JSON.stringify(dataset));
}
