import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Response, Router } from 'express';
import { isSame } from '../conditional.ts';

const FOLDER = new URL('./browser/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** preact, its hooks and htm in one module, as their authors ship it. */
const PREACT = fileURLToPath(import.meta.resolve('htm/preact/standalone'));
/** How reports round. */
const TENTHS = new URL('../../ai/tenths.js', import.meta.url);

interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly tag: string;
}

/**
 * The console: one page at `/`, and its modules, style and icon under `/console/`, all from memory. What is not
 * in the list is not served, whatever its path says.
 */
export function consolePages(version: string): Router {
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(FOLDER)) {
    const type = TYPES[extname(name)];
    if (type !== undefined) assets.set(name, asset(type, readFileSync(new URL(name, FOLDER))));
  }
  assets.set('tenths.js', asset(TYPES['.js'] ?? '', readFileSync(TENTHS)));
  assets.set('preact.js', asset(TYPES['.js'] ?? '', readFileSync(PREACT)));
  const page = asset(TYPES['.html'] ?? '', Buffer.from(pageText(version, [...assets.keys()])));

  const router = Router();
  router.get('/', (request, response) => send(page, request, response));
  router.get('/console/:name', (request, response, next) => {
    const found = assets.get(request.params.name);
    if (found === undefined || request.params.name === 'index.html') next();
    else send(found, request, response);
  });
  return router;
}

function asset(type: string, bytes: Buffer): Asset {
  return { type, bytes, tag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22) };
}

function send({ type, bytes, tag }: Asset, request: Parameters<typeof isSame>[0], response: Response): void {
  // Holds nothing of a patient: a browser may keep it and ask whether it is still the same.
  response.set({ 'cache-control': 'private, no-cache', 'content-type': type });
  if (!isSame(request, response, tag)) response.send(bytes);
}

/** The page with its version, and its modules named so that they are fetched at once and not one by one. */
function pageText(version: string, names: readonly string[]): string {
  const preloads = names
    .filter((name) => name.endsWith('.js'))
    .map((name) => `<link rel="modulepreload" href="/console/${name}">`)
    .join('\n    ');
  return readFileSync(new URL('index.html', FOLDER), 'utf8')
    .replace('<!-- modules -->', preloads)
    .replaceAll('{version}', version.replace(/[^\w.+-]/g, ''));
}
