/** The viewer that radiologists use, over a real Orthanc: OHIF's own prebuilt files behind a small web server. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmPeerFolder, npmPeerInstalled, OHIF } from '../../scripts/npm-peer.ts';
import type { Orthanc } from './orthanc.ts';

/** The config file that docs/viewers.md gives to admins. */
const CONFIG = fileURLToPath(new URL('../../deploy/ohif/app-config.js', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

export function ohifInstalled(): boolean {
  return npmPeerInstalled(OHIF);
}

export interface Ohif {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** Serves OHIF on loopback with our config; DICOMweb goes through to Orthanc, signed in. */
export async function startOhif(orthanc: Pick<Orthanc, 'restUrl' | 'username' | 'password'>): Promise<Ohif> {
  const dist = join(npmPeerFolder(OHIF), 'dist');
  const server = createServer((asked, answer) => {
    const { pathname } = new URL(asked.url ?? '/', 'http://ohif');
    if (/^\/(dicom-web|wado)(\/|$)/.test(pathname)) pass(asked, answer, orthanc);
    else serve(fileOf(dist, pathname), answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    version: OHIF.version,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function fileOf(dist: string, pathname: string): string {
  if (pathname === '/app-config.js') return CONFIG;
  const file = join(dist, normalize(decodeURIComponent(pathname)));
  // Its routes (/viewer, ...) are paths of the page.
  return existsSync(file) && statSync(file).isFile() ? file : join(dist, 'index.html');
}

function serve(file: string, answer: ServerResponse): void {
  answer.writeHead(200, {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    // What OHIF asks of its web server: its codecs run in workers that share memory.
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cache-control': file === CONFIG ? 'no-store' : 'public, max-age=3600',
  });
  createReadStream(file).pipe(answer);
}

function pass(
  asked: IncomingMessage,
  answer: ServerResponse,
  { restUrl, username, password }: Pick<Orthanc, 'restUrl' | 'username' | 'password'>,
): void {
  const { host } = new URL(restUrl);
  const further = request(
    restUrl + asked.url,
    {
      method: asked.method ?? 'GET',
      headers: { ...asked.headers, host },
      auth: `${username}:${password}`,
    },
    (given) => {
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
    },
  );
  further.on('error', () => answer.destroy());
  answer.on('close', () => further.destroy());
  asked.pipe(further);
}
