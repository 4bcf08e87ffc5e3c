import { createReadStream } from 'node:fs';
import { DeepHealthError, type ErrorCode } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import type { WebNotice } from './config.ts';
import { parseDicomJson } from './json.ts';
import { writeMultipart } from './multipart.ts';
import { type NamedInstance, readStoreResponse, type StoreResponse } from './store-response.ts';
import { retryAfterMs, type Transport, type WebAnswer } from './transport.ts';
import { checkedUid } from './uid.ts';
import { parseDicomXml } from './xml.ts';

/** One Part 10 file to be stored, in memory or on disk. */
export type StorableInstance = { readonly sopInstanceUid: string } & (
  | { readonly bytes: Uint8Array }
  | { readonly path: string; readonly size: number }
);

/**
 * What became of one instance.
 * `stored`: the server names it as stored, or shows it in a query afterwards (`evidence`);
 * `stored-with-warning`: it is stored, and the server changed or doubts something;
 * `refused`: the server says no;
 * `unsent`: nothing reached the server, or it took nothing (unreachable, busy, credentials);
 * `unknown`: it was sent and there is no proof either way: the same bytes have to go again.
 */
export type StoreOutcome =
  | { readonly kind: 'stored'; readonly sopInstanceUid: string; readonly evidence: 'answer' | 'query' }
  | { readonly kind: 'stored-with-warning'; readonly sopInstanceUid: string; readonly reason: number }
  | {
      readonly kind: 'refused';
      readonly sopInstanceUid: string;
      readonly code: ErrorCode;
      /** Failure Reason (0008,1197), where the server gave one. */
      readonly reason?: number;
    }
  | {
      readonly kind: 'unsent';
      readonly sopInstanceUid: string;
      readonly code: ErrorCode;
      /** The server's Retry-After. */
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'unknown'; readonly sopInstanceUid: string; readonly code: ErrorCode };

export interface Store {
  storeInstances(study: string, instances: readonly StorableInstance[]): Promise<StoreOutcome[]>;
}

/** What the request as a whole came to, before each instance is judged. */
type Verdict =
  | { readonly kind: 'answered'; readonly status: number; readonly response: StoreResponse }
  | { readonly kind: 'unsent'; readonly code: ErrorCode; readonly retryAfterMs?: number }
  | { readonly kind: 'no-answer'; readonly code: ErrorCode };

/** STOW-RS (PS3.18 10.5) as a client. `exists` looks an instance up by QIDO-RS. */
export function createStore(
  transport: Transport,
  exists: (study: string, sopInstanceUid: string) => Promise<boolean>,
  onNotice?: (notice: WebNotice) => void,
): Store {
  async function send(study: string, instances: readonly StorableInstance[]): Promise<Verdict> {
    const message = writeMultipart('application/dicom', instances.map(partOf));
    let answer: WebAnswer;
    try {
      answer = await transport.send({
        method: 'POST',
        path: `/studies/${study}`,
        headers: {
          'content-type': message.contentType,
          'content-length': String(message.contentLength),
          accept: 'application/dicom+json, application/dicom+xml;q=0.5',
        },
        body: () => message.stream(),
      });
    } catch (error) {
      return failedVerdict(error);
    }
    const status = answer.status;
    if (status === 401 || status === 403) {
      await answer.discard();
      return { kind: 'unsent', code: 'web.unauthorized' };
    }
    if (status === 429 || status === 503) {
      const wait = retryAfterMs(answer);
      await answer.discard();
      return { kind: 'unsent', code: 'web.busy', ...(wait === undefined ? {} : { retryAfterMs: wait }) };
    }
    return { kind: 'answered', status, response: await responseOf(answer) };
  }

  async function storeInstances(
    study: string,
    instances: readonly StorableInstance[],
  ): Promise<StoreOutcome[]> {
    checkedUid(study);
    if (instances.length === 0) return [];
    const verdict = await send(study, instances);
    const outcomes: StoreOutcome[] = [];
    for (const { sopInstanceUid } of instances) outcomes.push(await judge(study, sopInstanceUid, verdict));
    return outcomes;
  }

  async function judge(study: string, sopInstanceUid: string, verdict: Verdict): Promise<StoreOutcome> {
    if (verdict.kind === 'unsent') return { ...verdict, sopInstanceUid };
    if (verdict.kind === 'no-answer') {
      return lookUp(study, sopInstanceUid, { kind: 'unknown', sopInstanceUid, code: verdict.code });
    }
    const { status, response } = verdict;
    const stored = byUid(response.stored, sopInstanceUid);
    const failed = byUid(response.failed, sopInstanceUid);
    if (stored !== undefined && failed === undefined) {
      if (stored.reason === undefined || stored.reason === 0) {
        return { kind: 'stored', sopInstanceUid, evidence: 'answer' };
      }
      onNotice?.({
        code: 'stored-with-warning',
        message: `An object was stored with warning reason ${hex(stored.reason)}.`,
      });
      return { kind: 'stored-with-warning', sopInstanceUid, reason: stored.reason };
    }
    if (failed !== undefined && stored === undefined) {
      const code = reasonCode(failed.reason);
      const reason = failed.reason === undefined ? {} : { reason: failed.reason };
      const refused: StoreOutcome = { kind: 'refused', sopInstanceUid, code, ...reason };
      // Our UIDs are made by hashing and the bytes are kept: what is there under the UID is what we sent.
      return code === 'stow.duplicate' ? lookUp(study, sopInstanceUid, refused) : refused;
    }
    return lookUp(study, sopInstanceUid, unnamed(sopInstanceUid, status));
  }

  /** The answer leaves it open: stored if a query shows it, else as `otherwise` says. */
  async function lookUp(
    study: string,
    sopInstanceUid: string,
    otherwise: StoreOutcome,
  ): Promise<StoreOutcome> {
    const shown = await exists(study, sopInstanceUid).catch(() => false);
    if (!shown) return otherwise;
    onNotice?.({
      code: 'confirmed-by-query',
      message: 'The answer to a store request did not name an object; a query shows that it is stored.',
    });
    return { kind: 'stored', sopInstanceUid, evidence: 'query' };
  }

  return { storeInstances };
}

function partOf(instance: StorableInstance) {
  if ('bytes' in instance) {
    const { bytes } = instance;
    return { contentType: 'application/dicom', size: bytes.length, open: () => [bytes] };
  }
  const { path, size } = instance;
  return { contentType: 'application/dicom', size, open: () => createReadStream(path) };
}

function failedVerdict(error: unknown): Verdict {
  if (!(error instanceof DeepHealthError)) throw error;
  switch (error.code) {
    case 'web.timeout':
    case 'web.cut-off':
    case 'web.answer-malformed':
    case 'web.answer-too-large':
      return { kind: 'no-answer', code: 'stow.no-answer' };
    default:
      return { kind: 'unsent', code: error.code };
  }
}

/** What the body says; an answer that is cut off, too large or no such document says nothing. */
async function responseOf(answer: WebAnswer): Promise<StoreResponse> {
  let dataset: DicomDataset | undefined;
  try {
    const body = await answer.document();
    // By the first character: servers send XML under a JSON type, JSON under none, and the other way round.
    const first = body
      .toString('utf8', 0, 64)
      .replace(/^\uFEFF/, '')
      .trimStart()[0];
    if (first === '<') dataset = parseDicomXml(body);
    else [dataset] = parseDicomJson(body);
  } catch (error) {
    if (!(error instanceof DeepHealthError)) throw error;
  }
  return readStoreResponse(dataset ?? {});
}

function byUid(instances: readonly NamedInstance[], uid: string): NamedInstance | undefined {
  return instances.find((instance) => instance.sopInstanceUid === uid);
}

/** What an instance is that the answer does not name (or names twice) and no query shows. */
function unnamed(sopInstanceUid: string, status: number): StoreOutcome {
  if (status >= 200 && status < 300) return { kind: 'unknown', sopInstanceUid, code: 'stow.unconfirmed' };
  if (status >= 500) return { kind: 'unknown', sopInstanceUid, code: 'stow.server-error' };
  return { kind: 'refused', sopInstanceUid, code: refusalCode(status) };
}

function refusalCode(status: number): ErrorCode {
  switch (status) {
    case 400:
      return 'stow.bad-request';
    case 409:
      return 'stow.conflict';
    case 413:
      return 'stow.too-large';
    case 415:
      return 'stow.media-type';
    default:
      return 'web.unexpected-status';
  }
}

/** The error code of a Failure Reason (standards 4.4). */
export function reasonCode(reason: number | undefined): ErrorCode {
  if (reason === undefined) return 'stow.refused';
  if (reason >= 0xa700 && reason <= 0xa7ff) return 'stow.out-of-resources';
  if (reason >= 0xa900 && reason <= 0xa9ff) return 'stow.class-mismatch';
  if (reason === 0xc122) return 'stow.transfer-syntax';
  if (reason >= 0xc000 && reason <= 0xcfff) return 'stow.cannot-understand';
  if (reason === 0x0110) return 'stow.processing-failure';
  if (reason === 0x0111) return 'stow.duplicate';
  if (reason === 0x0122) return 'stow.class-unsupported';
  return 'stow.refused';
}

function hex(reason: number): string {
  return `0x${reason.toString(16).toUpperCase().padStart(4, '0')}`;
}
