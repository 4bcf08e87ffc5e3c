import express, { type RequestHandler } from 'express';
import { DeepHealthError } from '../errors/error.ts';
import { clientOfRequest } from './client-address.ts';
import type { InForce } from './context.ts';
import { halfEach } from './shares.ts';

const TYPES = ['application/dicom', 'image/jpeg', 'image/png'];

/**
 * Takes one film as the body of a request, a few at once, half of them for one client: a request is the size of a film,
 * and there may be many connections. Throws `api.media-type`, `api.busy`, `api.too-large`.
 */
export function filmBody(inForce: Pick<InForce, 'maxFilm'>, atOnce: number): RequestHandler {
  const places = halfEach(atOnce);
  return (request, response, next) => {
    if (!request.is(TYPES)) throw new DeepHealthError('api.media-type');
    const release = places.take(clientOfRequest(request));
    if (release === undefined) throw new DeepHealthError('api.busy');
    response.once('close', release);
    express.raw({ limit: inForce.maxFilm, inflate: false, type: TYPES })(request, response, next);
  };
}

/** The bytes that `filmBody` took. Throws `file.empty`. */
export function filmIn({ body }: { readonly body: unknown }): Uint8Array {
  if (!(body instanceof Uint8Array) || body.length === 0) throw new DeepHealthError('file.empty');
  return body;
}
