import express, { type RequestHandler } from 'express';
import { DeepHealthError } from '../errors/error.ts';
import type { InForce } from './context.ts';

const TYPES = ['application/dicom', 'image/jpeg', 'image/png'];

/**
 * Takes one film as the body of a request, a few at once: a request is the size of a film, and there may be
 * many connections. Throws `api.media-type`, `api.busy`, `api.too-large`.
 */
export function filmBody(inForce: Pick<InForce, 'maxFilm'>, atOnce: number): RequestHandler {
  let inHand = 0;
  return (request, response, next) => {
    if (!request.is(TYPES)) throw new DeepHealthError('api.media-type');
    if (inHand >= atOnce) throw new DeepHealthError('api.busy');
    inHand += 1;
    response.once('close', () => {
      inHand -= 1;
    });
    express.raw({ limit: inForce.maxFilm, inflate: false, type: TYPES })(request, response, next);
  };
}

/** The bytes that `filmBody` took. Throws `file.empty`. */
export function filmIn({ body }: { readonly body: unknown }): Uint8Array {
  if (!(body instanceof Uint8Array) || body.length === 0) throw new DeepHealthError('file.empty');
  return body;
}
