import { Readable } from 'node:stream';
import { errors, Pool } from 'undici';
import { DeepHealthError, type ErrorCode } from '../../errors/error.ts';
import { isTlsFailure, tlsConnectOptions } from '../../net/tls.ts';
import { withoutEnd } from '../../text/without-end.ts';
import { createAuthorization } from './auth.ts';
import { DICOM_WEB_LIMITS, DICOM_WEB_TIMEOUTS, type DicomWebConfig, type DicomWebLimits } from './config.ts';

/** One request below the server's root. */
export interface WebRequest {
  readonly method: 'GET' | 'POST';
  /** Below the root, beginning with a slash, already encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Made anew at every attempt. */
  readonly body?: () => AsyncIterable<Uint8Array>;
}

/** An answer whose body has not been read; `document` or `stream` is called once, or `discard`. */
export interface WebAnswer {
  readonly status: number;
  /** By lower-case name; the first of several. */
  header(name: string): string | undefined;
  /** All values of a header. */
  headers(name: string): readonly string[];
  /** The whole body, at most the limit for documents. */
  document(): Promise<Buffer>;
  /** The body as it comes; failures of the connection become error codes. */
  stream(): AsyncIterable<Uint8Array>;
  discard(): Promise<void>;
}

export interface Transport {
  readonly limits: DicomWebLimits;
  send(request: WebRequest): Promise<WebAnswer>;
  close(): Promise<void>;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 3;

/**
 * HTTP towards one DICOMweb server: authorization with one renewal after 401, redirects inside the origin
 * only, a GET once more when a kept connection turned out dead, and codes for everything that goes wrong.
 *
 * `send` throws `web.unreachable` or `web.tls` when nothing was sent, `web.timeout` or `web.cut-off` when the
 * request may have arrived.
 */
export function createTransport(config: DicomWebConfig): Transport {
  const root = rootOf(config);
  const timeouts = { ...DICOM_WEB_TIMEOUTS, ...config.timeouts };
  const limits = { ...DICOM_WEB_LIMITS, ...config.limits };
  const authorization = createAuthorization(config.auth ?? { kind: 'none' }, config.tls);
  const pool = new Pool(root.origin, {
    connections: config.connections ?? 4,
    pipelining: 1,
    connect: { ...tlsConnectOptions(config.tls), timeout: timeouts.connect },
    headersTimeout: timeouts.headers,
    bodyTimeout: timeouts.body,
    maxHeaderSize: 64 * 1024,
    allowH2: false,
  });
  if (config.tls?.dangerouslyAcceptAnyCertificate === true) {
    config.onNotice?.({
      code: 'unchecked-certificate',
      message: `The certificate of ${config.name} is not checked: anybody in between can read and change what is sent.`,
    });
  }

  async function once(request: WebRequest, path: string, header: string | undefined): Promise<WebAnswer> {
    const cancel = new AbortController();
    const timer = setTimeout(() => cancel.abort(new errors.BodyTimeoutError('total')), timeouts.total);
    timer.unref();
    try {
      const answer = await pool.request({
        method: request.method,
        path,
        headers: {
          'user-agent': 'deep-health',
          ...request.headers,
          ...(header === undefined ? {} : { authorization: header }),
        },
        body: request.body === undefined ? null : Readable.from(request.body(), { objectMode: false }),
        signal: cancel.signal,
      });
      answer.body.once('close', () => clearTimeout(timer));
      return answerOf(answer, limits);
    } catch (error) {
      clearTimeout(timer);
      throw failure(error);
    }
  }

  async function authorized(request: WebRequest, path: string): Promise<WebAnswer> {
    const header = await authorization.header();
    const answer = await attempt(request, path, header);
    if (answer.status !== 401 || !(await authorization.renew(header))) return answer;
    await answer.discard();
    return attempt(request, path, await authorization.header());
  }

  /** A server may close a kept connection just as it is used again: a GET may then be sent once more. */
  async function attempt(request: WebRequest, path: string, header: string | undefined): Promise<WebAnswer> {
    try {
      return await once(request, path, header);
    } catch (error) {
      const dead = error instanceof DeepHealthError && error.code === 'web.cut-off';
      if (request.method !== 'GET' || !dead) throw error;
      return once(request, path, header);
    }
  }

  async function send(request: WebRequest): Promise<WebAnswer> {
    let url = new URL(root.href + request.path);
    for (let redirects = 0; ; redirects += 1) {
      const answer = await authorized(request, url.pathname + url.search);
      if (!REDIRECTS.has(answer.status)) return answer;
      await answer.discard();
      // 301 to 303 turn a POST into a GET: that would store nothing and look like success.
      const followed = request.method === 'GET' || answer.status === 307 || answer.status === 308;
      const location = answer.header('location');
      const next = location !== undefined && URL.canParse(location, url.href) ? new URL(location, url) : null;
      if (!followed || next === null || next.origin !== root.origin || redirects >= MAX_REDIRECTS) {
        throw new DeepHealthError('web.redirect-refused');
      }
      url = next;
    }
  }

  return {
    limits,
    send,
    async close() {
      await pool.destroy();
      await authorization.close();
    },
  };
}

/** The root without a slash at its end. A URL with user, password, query or fragment is refused by config. */
function rootOf(config: DicomWebConfig): { origin: string; href: string } {
  const url = new URL(config.url);
  return { origin: url.origin, href: url.origin + withoutEnd(url.pathname, '/') };
}

interface UndiciAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Readable & { dump(options?: { limit: number; signal?: AbortSignal }): Promise<void> };
}

function answerOf(answer: UndiciAnswer, limits: DicomWebLimits): WebAnswer {
  function headers(name: string): readonly string[] {
    const value = answer.headers[name];
    return value === undefined ? [] : typeof value === 'string' ? [value] : value;
  }

  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer.body) yield chunk as Buffer;
    } catch (error) {
      throw failure(error);
    }
  }

  async function document(): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stream()) {
      size += chunk.length;
      if (size > limits.document) throw new DeepHealthError('web.answer-too-large');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  }

  return {
    status: answer.statusCode,
    header: (name) => headers(name)[0],
    headers,
    document,
    stream,
    async discard() {
      await answer.body.dump({ limit: 64 * 1024 }).catch(() => {});
    },
  };
}

/** What a failed request means, by undici's and Node's codes. */
function failure(error: unknown): DeepHealthError {
  if (error instanceof DeepHealthError) return error;
  return new DeepHealthError(failureCode(error), undefined, { cause: error });
}

function failureCode(error: unknown): ErrorCode {
  if (isTlsFailure(error)) return 'web.tls';
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'EADDRNOTAVAIL':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'web.unreachable';
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
    case 'ETIMEDOUT':
      return 'web.timeout';
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return 'web.answer-too-large';
    default:
      return code?.startsWith('HPE_') === true ? 'web.answer-malformed' : 'web.cut-off';
  }
}

/** The failure that a status means for a query or retrieval; undefined for 2xx. */
export function statusFailure(answer: WebAnswer): DeepHealthError | undefined {
  const { status } = answer;
  if (status >= 200 && status < 300) return undefined;
  return new DeepHealthError(statusCode(status));
}

function statusCode(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'web.unauthorized';
  if (status === 404 || status === 410) return 'web.not-found';
  if (status === 406) return 'web.not-acceptable';
  if (status === 413) return 'web.answer-too-large';
  if (status === 429 || status === 503) return 'web.busy';
  if (status === 408 || status === 504) return 'web.timeout';
  if (status === 400) return 'web.bad-request';
  if (status >= 500) return 'web.server-error';
  return 'web.unexpected-status';
}

/** Retry-After (RFC 9110 10.2.3), seconds or date, in milliseconds from now; at most a day. */
export function retryAfterMs(answer: WebAnswer): number | undefined {
  const value = answer.header('retry-after')?.trim();
  if (value === undefined) return undefined;
  const wait = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(wait) && wait >= 0 ? Math.min(wait, 86_400_000) : undefined;
}
