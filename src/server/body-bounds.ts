import type { Request, RequestHandler } from 'express';
import { DeepHealthError, type ErrorCode } from '../errors/error.ts';
import { sendFailure } from './failure.ts';

/** What the body of a request may be. */
export interface BodyBounds {
  readonly bytes: number;
  /** Milliseconds from the header to the end of the body. */
  readonly withinMs: number;
}

/** The largest JSON that the API takes, in bytes. */
const JSON_BYTES = 64 * 1024;
const JSON_MS = 30_000;
/** 200 MiB at 6 Mbit/s. */
const FILM_MS = 300_000;

const FILM_PATHS = /^\/api\/(predict|try)\/?$/i;

/** The bounds of the API, but for the STOW-RS receiver, which watches its senders by itself. */
export function apiBounds(inForce: { readonly maxFilm: number }): (request: Request) => BodyBounds {
  return ({ path }) =>
    FILM_PATHS.test(path)
      ? { bytes: inForce.maxFilm, withinMs: FILM_MS }
      : { bytes: JSON_BYTES, withinMs: JSON_MS };
}

/**
 * Ends requests whose body is too large, by what it announces or what comes, or does not come to its end in
 * time. The body parsers of express refuse the first too, but read on to its end before they say so: a body
 * without end held its connection for ever, and one of a byte a minute a place among the films in hand.
 */
export function boundBodies(boundsOf: (request: Request) => BodyBounds): RequestHandler {
  return (request, response, next) => {
    const { 'content-length': announced, 'transfer-encoding': coding } = request.headers;
    if (coding === undefined && Number(announced ?? 0) === 0) {
      next();
      return;
    }
    const { bytes, withinMs } = boundsOf(request);

    function refuse(code: ErrorCode): void {
      release();
      if (response.headersSent) return;
      response.set('connection', 'close');
      sendFailure(response, new DeepHealthError(code));
      // The answer gets a moment to leave before the connection is broken off.
      setTimeout(() => request.destroy(), 200).unref();
    }

    let size = 0;
    function count(chunk: Buffer): void {
      size += chunk.length;
      if (size > bytes) refuse('api.too-large');
    }
    function release(): void {
      clearTimeout(timer);
      request.off('data', count).off('end', release);
    }

    const timer = setTimeout(() => refuse('api.too-slow'), withinMs).unref();
    if (Number(announced ?? 0) > bytes) {
      refuse('api.too-large');
      return;
    }
    response.once('close', release);
    request.once('end', release);
    // Whoever reads the body listens in this same turn, before the first piece comes.
    request.on('data', count);
    next();
  };
}
