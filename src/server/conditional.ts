import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';

/**
 * JSON with an entity tag (RFC 9110 8.8.3), or 304 without a body for whoever has the same already: pages ask
 * again every few seconds.
 */
export function sendUnlessSame(request: Request, response: Response, json: unknown): void {
  const body = JSON.stringify(json);
  const tag = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  if (isSame(request, response, tag)) return;
  response.type('json').send(body);
}

/** Sets the tag; true when the asker has it, and the answer was sent. */
export function isSame(request: Request, response: Response, tag: string): boolean {
  const quoted = `"${tag}"`;
  response.set('etag', quoted);
  if (request.headers['if-none-match'] !== quoted) return false;
  response.status(304).end();
  return true;
}
