import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DeepHealthError } from '../../errors/error.ts';
import type { Room } from '../../files/room.ts';
import type { InstanceIdentity } from './identity.ts';
import { toDicomJson } from './json.ts';
import { parseMediaType, parseMediaTypes } from './media-type.ts';
import { boundaryOf, type Part, readMultipart } from './multipart.ts';
import { diskReason, headOnly, type WrittenPart, writePart } from './receive-part.ts';
import { steadily } from './steadily.ts';
import { type NamedInstance, REASON, writeStoreResponse } from './store-response.ts';
import { isUid } from './uid.ts';
import { writeDicomXml } from './xml.ts';

/** A STOW-RS request whose body has not been read. */
export interface StowRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
  /** The study in the path, not yet checked. */
  readonly study?: string;
  /** Called once the body is wanted: sends `100 Continue` where the sender waits for it. */
  readonly proceed?: () => void;
}

/**
 * One instance that arrived: the file is complete and synced, its name is ours. The folder is not synced, because
 * the sink moves the file to where it stays.
 */
export interface ReceivedInstance {
  readonly identity: InstanceIdentity;
  /** Path of the Part 10 file in the receiving folder. The sink's from now on if it says `stored`. */
  readonly path: string;
  readonly size: number;
  /** SHA-256 of the file, 64 hex digits. */
  readonly sha256: string;
  /** The request ends with it. */
  readonly last: boolean;
}

/**
 * What the sink made of an instance. `stored`: recorded durably; `duplicate`: the same bytes were recorded
 * before (success for the sender); `conflict`: other bytes under the same UID (0111); `refused`: a Failure
 * Reason of `REASON`. The file is removed unless it is `stored`.
 */
export type Acceptance =
  | { readonly kind: 'stored' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly reason: number };

/** Whether there is room: `busy` turns the request away (503), `disk-low` fails its instances (A700). */
export type Admission =
  | { readonly kind: 'open' }
  | { readonly kind: 'busy'; readonly retryAfterSeconds: number }
  | { readonly kind: 'disk-low' };

/** Where received instances go. */
export interface ReceiveSink {
  /**
   * Asked before the body is read, with its length where the sender says it, and again before each part. A request that
   * is not admitted when it begins is not stored in part.
   */
  admit(bytes?: number): Admission | Promise<Admission>;
  /** Room for the file of one part; without it files are written as long as the disk takes them. */
  room?(): Room;
  /** Returns after the instance is recorded durably; throwing is a processing failure (0110). */
  accept(instance: ReceivedInstance): Promise<Acceptance>;
}

/** Bytes, counts, milliseconds. */
export interface ReceiveLimits {
  readonly requestBytes: number;
  readonly partBytes: number;
  readonly parts: number;
  readonly headerBytes: number;
  /** Longest wait for the next piece of the body. */
  readonly idleMs: number;
  /** Once `idleMs` was spent waiting in all, a sender slower than this is cut off. */
  readonly minBytesPerSecond: number;
}

const RECEIVE_LIMITS: ReceiveLimits = {
  requestBytes: 4 * 1024 ** 3,
  partBytes: 512 * 1024 ** 2,
  parts: 1000,
  headerBytes: 16 * 1024,
  idleMs: 30_000,
  minBytesPerSecond: 1024,
};

export interface StowReceiver {
  /** Existing folder for the files; on the file system where they stay. */
  readonly folder: string;
  readonly sink: ReceiveSink;
  readonly limits?: Partial<ReceiveLimits>;
  /** SOP classes that are taken; default CR Image Storage and Digital X-Ray Image Storage - For Presentation. */
  readonly acceptsClass?: (sopClassUid: string) => boolean;
  /** Transfer syntaxes that are taken; default all. */
  readonly acceptsTransferSyntax?: (transferSyntaxUid: string) => boolean;
  /** Hears of failures on our side (disk, sink) that the sender only sees as 0110. */
  readonly onFailure?: (error: unknown) => void;
}

/** What to answer. `close`: the body was not read to its end, the connection cannot be used again. */
export interface StowAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly close: boolean;
}

/** What became of a request; the answer is to be sent only after the caller recorded what it has to. */
export interface StowReceipt {
  readonly answer: StowAnswer;
  /** Studies with at least one instance stored or known before. */
  readonly studies: readonly string[];
  /** The study of the last instance, where the sink stored that, knowing that it was the last. */
  readonly endedWith?: string;
  /** The request was read to its end: nothing more of it comes. */
  readonly complete: boolean;
  readonly stored: number;
  readonly failed: number;
}

const FILM_CLASSES = new Set(['1.2.840.10008.5.1.4.1.1.1', '1.2.840.10008.5.1.4.1.1.1.1']);

/**
 * Receives a STOW-RS request (PS3.18 10.5, standards 4.5): each part goes to disk as it comes, is synced,
 * checked, and given to the sink; nothing is held in memory but pieces. Never throws for what the sender
 * does. What was stored before a request broke off stays stored, and is named in the answer.
 */
export async function receiveStow(request: StowRequest, receiver: StowReceiver): Promise<StowReceipt> {
  const limits = { ...RECEIVE_LIMITS, ...receiver.limits };
  const form = answerForm(request.headers.accept);
  if (form === undefined)
    return turnedAway(406, 'Answers come as application/dicom+json or application/dicom+xml.');
  const type = parseMediaType(request.headers['content-type']);
  if (
    type?.type !== 'multipart/related' ||
    (type.parameters.get('type') ?? 'application/dicom').toLowerCase() !== 'application/dicom'
  ) {
    return turnedAway(415, 'Send multipart/related; type="application/dicom".');
  }
  const boundary = boundaryOf(request.headers['content-type']);
  if (boundary === undefined) return turnedAway(400, 'The Content-Type has no usable boundary.');
  if (request.study !== undefined && !isUid(request.study))
    return turnedAway(400, 'The study in the path is not a UID.');
  const announced = request.headers['content-length'];
  const length = announced === undefined ? undefined : Number(announced);
  if (length !== undefined && length > limits.requestBytes) {
    return turnedAway(413, 'The request is larger than allowed.');
  }
  const admission = await receiver.sink.admit(length);
  if (admission.kind === 'busy') {
    return turnedAway(503, 'Too much is waiting; try again later.', {
      'retry-after': String(Math.max(1, Math.ceil(admission.retryAfterSeconds))),
    });
  }
  request.proceed?.();

  const tally = createTally();
  let broken: unknown;
  try {
    const source = steadily(request.body, limits);
    for await (const part of readMultipart(source, boundary, { ...limits, preambleBytes: 64 * 1024 })) {
      await receivePart(part, request.study, receiver, tally, admission.kind === 'open');
    }
  } catch (error) {
    broken = error;
  }
  if (broken === undefined && tally.parts === 0) return turnedAway(400, 'The request holds no part.');
  const status = broken === undefined ? tally.status() : brokenStatus(broken);
  if (status === 500) receiver.onFailure?.(broken);
  const dataset = writeStoreResponse(tally);
  return {
    answer: {
      status,
      headers: { 'content-type': form },
      body: form === 'application/dicom+xml' ? writeDicomXml(dataset) : JSON.stringify(toDicomJson(dataset)),
      close: broken !== undefined,
    },
    studies: [...tally.studies],
    ...(tally.endedWith === undefined ? {} : { endedWith: tally.endedWith }),
    complete: broken === undefined,
    stored: tally.stored.length,
    failed: tally.failed.length + tally.otherFailures.length,
  };
}

interface Tally {
  parts: number;
  readonly studies: Set<string>;
  endedWith?: string;
  readonly stored: NamedInstance[];
  readonly failed: NamedInstance[];
  readonly otherFailures: NamedInstance[];
  status(): 200 | 202 | 409;
}

function createTally(): Tally {
  const tally: Tally = {
    parts: 0,
    studies: new Set(),
    stored: [],
    failed: [],
    otherFailures: [],
    status() {
      if (tally.failed.length + tally.otherFailures.length === 0) return 200;
      return tally.stored.length === 0 ? 409 : 202;
    },
  };
  return tally;
}

/** Takes one part to its end. Throws only what ends the request: failures of the source. */
async function receivePart(
  part: Part,
  study: string | undefined,
  receiver: StowReceiver,
  tally: Tally,
  admitted: boolean,
): Promise<void> {
  tally.parts += 1;
  const { folder, sink } = receiver;
  const isRoom = admitted && (await sink.admit()).kind !== 'disk-low';
  const written = isRoom
    ? await writePart(part, join(folder, randomUUID()), sink.room?.(), (error) => receiver.onFailure?.(error))
    : await headOnly(part);
  const { identity } = written;
  if (identity === undefined) {
    const reason = written.kind === 'failed' ? written.reason : REASON.cannotUnderstand;
    tally.otherFailures.push({ reason });
  } else {
    const named = { sopClassUid: identity.sopClassUid, sopInstanceUid: identity.sopInstanceUid };
    const settled: Settled =
      refusal(identity, study, receiver) ??
      (written.kind === 'failed'
        ? written.reason
        : await settle({ ...written, identity, last: part.isLast() }, receiver));
    if (typeof settled !== 'number') {
      tally.stored.push(named);
      tally.studies.add(identity.studyInstanceUid);
      if (settled === 'stored' && part.isLast()) tally.endedWith = identity.studyInstanceUid;
      return;
    }
    tally.failed.push({ ...named, reason: settled });
  }
  if (written.kind === 'written') await rm(written.path, { force: true });
}

/** Why an instance is not taken, whatever the sink would say. */
function refusal(
  identity: InstanceIdentity,
  study: string | undefined,
  receiver: StowReceiver,
): number | undefined {
  const acceptsClass = receiver.acceptsClass ?? ((uid: string) => FILM_CLASSES.has(uid));
  if (study !== undefined && identity.studyInstanceUid !== study) return REASON.classMismatch;
  if (!acceptsClass(identity.sopClassUid)) return REASON.classUnsupported;
  if (receiver.acceptsTransferSyntax?.(identity.transferSyntaxUid) === false) return REASON.transferSyntax;
  return undefined;
}

/** A Failure Reason, or success. */
type Settled = number | 'stored' | 'duplicate';

/** Gives the file the name of a complete one, and lets the sink take and record it. */
async function settle(
  written: Extract<WrittenPart, { kind: 'written' }> & Pick<ReceivedInstance, 'identity' | 'last'>,
  receiver: StowReceiver,
): Promise<Settled> {
  const path = written.path.replace(/\.part$/, '.dcm');
  try {
    await rename(written.path, path);
    const { identity, size, sha256, last } = written;
    const acceptance = await receiver.sink.accept({ identity, path, size, sha256, last });
    if (acceptance.kind === 'stored') return 'stored';
    await rm(path, { force: true });
    if (acceptance.kind === 'duplicate') return 'duplicate';
    return acceptance.kind === 'conflict' ? REASON.duplicate : acceptance.reason;
  } catch (error) {
    // The sink may have recorded the file before it failed: it stays, and a sweep of the folder finds it.
    receiver.onFailure?.(error);
    return diskReason(error);
  }
}

function brokenStatus(error: unknown): number {
  if (!(error instanceof DeepHealthError)) return 500;
  switch (error.code) {
    case 'multipart.malformed':
    case 'multipart.cut-off':
      return 400;
    case 'multipart.too-large':
    case 'multipart.too-many-parts':
    case 'receive.too-large':
      return 413;
    case 'receive.stalled':
      return 408;
    default:
      return 500;
  }
}

function turnedAway(status: number, reason: string, headers: Record<string, string> = {}): StowReceipt {
  return {
    answer: {
      status,
      headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
      body: `${reason}\n`,
      close: true,
    },
    studies: [],
    complete: false,
    stored: 0,
    failed: 0,
  };
}

/** The form of the answer that Accept allows: JSON unless only XML will do. */
function answerForm(
  accept: string | undefined,
): 'application/dicom+json' | 'application/dicom+xml' | undefined {
  if (accept === undefined || accept.trim() === '') return 'application/dicom+json';
  let xml = 0;
  let json = 0;
  for (const { type, parameters } of parseMediaTypes(accept)) {
    const weight = Number(parameters.get('q') ?? 1);
    if (['application/dicom+json', 'application/json', 'application/*', '*/*'].includes(type)) {
      json = Math.max(json, weight);
    } else if (['application/dicom+xml', 'application/xml', 'text/xml'].includes(type)) {
      xml = Math.max(xml, weight);
    }
  }
  if (json === 0 && xml === 0) return undefined;
  return xml > json ? 'application/dicom+xml' : 'application/dicom+json';
}
