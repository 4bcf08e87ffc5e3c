import type { Response } from 'express';
import { DeepHealthError, type ErrorCode } from '../errors/error.ts';

const STATUS: Partial<Record<ErrorCode, number>> = {
  'api.unauthorized': 401,
  'api.held-back': 429,
  'api.too-slow': 408,
  'api.not-found': 404,
  'api.method': 405,
  'api.cross-site': 403,
  'api.not-shown': 403,
  'storage.film-gone': 410,
  'delivery.object-gone': 410,
  'api.bad-request': 400,
  'api.media-type': 415,
  'api.busy': 503,
  'api.too-large': 413,
  'ledger.uid-invalid': 400,
  'ledger.cursor-invalid': 400,
  'ledger.unreachable': 503,
  'ledger.busy': 503,
  'ledger.full': 507,
  'storage.low': 507,
  'study.no-pacs': 409,
  'study.not-in-pacs': 404,
  'service.stopping': 503,
  'pixel.busy': 503,
  'internal.unexpected': 500,
};

/** The HTTP status of a failure: what is wrong with the film is 422, with a peer behind us 502. */
function statusOf(code: ErrorCode): number {
  const known = STATUS[code];
  if (known !== undefined) return known;
  if (/^(file|film|pixel|picture)\./.test(code)) return 422;
  if (code.startsWith('web.')) return 502;
  return 500;
}

/** Answers with a failure: `{"error": {"code", "message"}}`, the same shape everywhere. */
export function sendFailure(response: Response, error: DeepHealthError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { code, message } = error;
  const status = statusOf(code);
  if (status === 503) response.set('retry-after', '5');
  response.status(status).json({ error: { code, message } });
}

interface HttpError extends Error {
  readonly status?: number;
  readonly type?: string;
}

/** What express and its body parsers throw, in our codes; undefined for what is not the sender's doing. */
export function asFailure(error: unknown): DeepHealthError | undefined {
  if (error instanceof DeepHealthError) return error;
  const { status, type } = (error ?? {}) as HttpError;
  if (status === 413) return new DeepHealthError('api.too-large');
  if (status === 415) return new DeepHealthError('api.media-type');
  if (type === 'entity.parse.failed') return new DeepHealthError('api.bad-request', 'The body is not JSON.');
  if (status !== undefined && status >= 400 && status < 500) return new DeepHealthError('api.bad-request');
  return undefined;
}
