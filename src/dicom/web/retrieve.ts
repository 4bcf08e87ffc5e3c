import { createHash } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import { type InstanceIdentity, identityOf, identityOfFile } from './identity.ts';
import { parseDicomJson } from './json.ts';
import { parseMediaType } from './media-type.ts';
import { boundaryOf, MULTIPART_LIMITS, readMultipart } from './multipart.ts';
import { statusFailure, type Transport, type WebAnswer } from './transport.ts';
import { checkedUid } from './uid.ts';

/** The instance to retrieve. */
export interface InstanceReference {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
}

/** A retrieved instance: its size in bytes and the SHA-256 of the file as 64 hex digits. */
export interface RetrievedFile {
  readonly identity: InstanceIdentity;
  readonly size: number;
  readonly sha256: string;
}

export interface RetrievedInstance extends RetrievedFile {
  /** The Part 10 file. */
  readonly bytes: Uint8Array;
}

export interface Retrieval {
  retrieveInstance(reference: InstanceReference): Promise<RetrievedInstance>;
  retrieveInstanceTo(reference: InstanceReference, path: string): Promise<RetrievedFile>;
  retrieveMetadata(study: string, series?: string, sopInstanceUid?: string): Promise<DicomDataset[]>;
}

/**
 * What is asked for, in this order. Without `*` a server transcodes, and some fail at it; some know no `*`;
 * some take a plain media type only (PS3.18 8.7.4).
 */
const ACCEPTS = [
  'multipart/related; type="application/dicom"; transfer-syntax=*',
  'multipart/related; type="application/dicom"',
  'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1',
  'application/dicom; transfer-syntax=*',
];

/** WADO-RS (PS3.18 10.4): whole instances as they are stored. */
export function createRetrieval(transport: Transport): Retrieval {
  const limit = transport.limits.instance;

  async function ask(reference: InstanceReference): Promise<WebAnswer> {
    const path = [
      `/studies/${checkedUid(reference.studyInstanceUid)}`,
      `/series/${checkedUid(reference.seriesInstanceUid)}`,
      `/instances/${checkedUid(reference.sopInstanceUid)}`,
    ].join('');
    let failed = new DeepHealthError('web.not-acceptable');
    for (const accept of ACCEPTS) {
      const answer = await transport.send({ method: 'GET', path, headers: { accept } });
      if (answer.status === 200) return answer;
      await answer.discard();
      // 206: a part of the instance is not the instance.
      failed = statusFailure(answer) ?? new DeepHealthError('web.unexpected-status');
      // Orthanc says 400 to an Accept that it cannot serve.
      if (answer.status !== 406 && answer.status !== 400) break;
    }
    throw failed;
  }

  /** The bytes of the one instance in an answer, alone or as the first part. */
  async function* content(answer: WebAnswer): AsyncGenerator<Uint8Array> {
    const contentType = answer.header('content-type');
    const type = parseMediaType(contentType)?.type;
    if (type === 'application/dicom' || type === 'application/octet-stream') {
      yield* bounded(answer.stream(), limit);
      return;
    }
    const boundary = boundaryOf(contentType);
    if (type !== 'multipart/related' || boundary === undefined) {
      await answer.discard();
      throw new DeepHealthError('web.answer-malformed', 'The answer is neither multipart nor DICOM.');
    }
    let parts = 0;
    const limits = { ...MULTIPART_LIMITS, partBytes: limit, parts: 16 };
    for await (const part of readMultipart(answer.stream(), boundary, limits)) {
      parts += 1;
      if (parts === 1) yield* part.body;
    }
    if (parts === 0) throw new DeepHealthError('web.answer-malformed', 'The answer holds no part.');
  }

  async function retrieveInstance(reference: InstanceReference): Promise<RetrievedInstance> {
    const digest = createHash('sha256');
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of content(await ask(reference))) {
      digest.update(chunk);
      chunks.push(chunk);
      size += chunk.length;
    }
    const bytes = Buffer.concat(chunks, size);
    const identity = checkedIdentity(
      identityOrMalformed(() => identityOf(bytes)),
      reference,
    );
    return { bytes, identity, size, sha256: digest.digest('hex') };
  }

  async function retrieveInstanceTo(reference: InstanceReference, path: string): Promise<RetrievedFile> {
    const answer = await ask(reference);
    const file = await open(path, 'wx').catch(async (error: unknown) => {
      await answer.discard();
      throw error;
    });
    try {
      const digest = createHash('sha256');
      let size = 0;
      try {
        for await (const chunk of content(answer)) {
          digest.update(chunk);
          await file.writeFile(chunk);
          size += chunk.length;
        }
        await file.sync();
      } finally {
        await file.close();
      }
      const identity = await identityOfFile(path).catch((error: unknown) =>
        identityOrMalformed(() => {
          throw error;
        }),
      );
      return { identity: checkedIdentity(identity, reference), size, sha256: digest.digest('hex') };
    } catch (error) {
      await unlink(path).catch(() => {});
      throw error;
    }
  }

  async function retrieveMetadata(
    study: string,
    series?: string,
    sopInstanceUid?: string,
  ): Promise<DicomDataset[]> {
    let path = `/studies/${checkedUid(study)}`;
    if (series !== undefined) path += `/series/${checkedUid(series)}`;
    if (sopInstanceUid !== undefined) path += `/instances/${checkedUid(sopInstanceUid)}`;
    const answer = await transport.send({
      method: 'GET',
      path: `${path}/metadata`,
      headers: { accept: 'application/dicom+json' },
    });
    const failed = statusFailure(answer);
    if (failed !== undefined) {
      await answer.discard();
      throw failed;
    }
    return parseDicomJson(await answer.document());
  }

  return { retrieveInstance, retrieveInstanceTo, retrieveMetadata };
}

async function* bounded(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > limit) throw new DeepHealthError('web.answer-too-large');
    yield chunk;
  }
}

/** From a server, what is no DICOM file is a wrong answer, not a wrong sender. */
function identityOrMalformed(read: () => InstanceIdentity): InstanceIdentity {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DeepHealthError)) throw error;
    throw new DeepHealthError('web.answer-malformed', 'The retrieved object is not a DICOM file.', {
      cause: error,
    });
  }
}

function checkedIdentity(identity: InstanceIdentity, asked: InstanceReference): InstanceIdentity {
  if (
    identity.sopInstanceUid !== asked.sopInstanceUid ||
    identity.studyInstanceUid !== asked.studyInstanceUid ||
    identity.seriesInstanceUid !== asked.seriesInstanceUid
  ) {
    throw new DeepHealthError('web.wrong-instance');
  }
  return identity;
}
