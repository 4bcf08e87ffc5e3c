import type { RequestHandler } from 'express';
import { DeepHealthError } from '../errors/error.ts';
import type { InForce } from './context.ts';

const SAFE = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Turns away what a page of another site makes a browser send. A browser adds our name and password to such
 * requests by itself, so that they are no proof of who wants it. Two ways in are closed:
 *
 * - a form or script elsewhere that changes something here: browsers say where a request comes from in
 *   Sec-Fetch-Site (on https and loopback), else in Origin. Programs send neither and are let through.
 * - a name of somebody else's that leads to our loopback address (DNS rebinding), where nobody signs in: only
 *   names that nobody else can own are taken then.
 *
 * Throws `api.cross-site`.
 */
export function sameSiteOnly(inForce: Pick<InForce, 'config'>): RequestHandler {
  return (request, _response, next) => {
    const { host = '', origin, 'sec-fetch-site': from } = request.headers;
    const { users, tokens, host: address } = inForce.config.server;
    if (users.length + tokens.length === 0 && !isOurs(host, address))
      throw new DeepHealthError('api.cross-site');
    if (!SAFE.includes(request.method)) {
      const foreign =
        typeof from === 'string'
          ? from !== 'same-origin' && from !== 'none'
          : origin !== undefined && hostOf(origin) !== host.toLowerCase();
      if (foreign) throw new DeepHealthError('api.cross-site');
    }
    next();
  };
}

/** An address, a loopback name, a name without a dot (no public one is), or the configured one. */
function isOurs(host: string, address: string): boolean {
  const name = host.replace(/:\d{0,5}$/, '').toLowerCase();
  const isAddress = /^[\d.]+$/.test(name) || name.startsWith('[');
  return isAddress || !name.includes('.') || name.endsWith('.localhost') || name === address.toLowerCase();
}

/** Host and port of an origin, as a Host header has them; an opaque origin (`null`) has none. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
