import type { RequestHandler } from 'express';
import { DeepHealthError } from '../errors/error.ts';
import { sendFailure } from './failure.ts';

/** How long the bodies of small requests may take to come. */
const JSON_MS = 30_000;
/** How long a film may: 200 MiB at 6 Mbit/s. */
const FILM_MS = 300_000;

const FILM_PATHS = /^\/api\/(predict|try)\/?$/i;

/**
 * Ends requests whose body does not come to its end in time: otherwise a sender of a byte a minute holds its
 * connection, and a place among the films in hand, for as long as it likes. The STOW-RS receiver watches its
 * senders by itself.
 */
export function bodyDeadline(
  limits: { readonly json: number; readonly film: number } = { json: JSON_MS, film: FILM_MS },
): RequestHandler {
  return (request, response, next) => {
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    if (coding === undefined && (length === undefined || length === '0')) {
      next();
      return;
    }
    const timer = setTimeout(
      () => {
        if (request.complete) return;
        response.set('connection', 'close');
        sendFailure(response, new DeepHealthError('api.too-slow'));
        // Whoever reads the body is told that it ended, after the answer had a moment to leave.
        setTimeout(() => request.destroy(), 100).unref();
      },
      FILM_PATHS.test(request.path) ? limits.film : limits.json,
    );
    timer.unref();
    const done = () => clearTimeout(timer);
    request.once('end', done);
    response.once('close', done);
    next();
  };
}
