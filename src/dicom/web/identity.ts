import { type FileHandle, open } from 'node:fs/promises';
import { inflateRawSync, constants as zlib } from 'node:zlib';
import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import { readDataset } from '../film/dataset-reader.ts';
import { isKnownVr } from '../film/element-header.ts';
import { DEFAULT_FILM_LIMITS, type FilmLimits } from '../film/limits.ts';
import { encodingAt } from '../film/parse.ts';
import { isUid } from './uid.ts';

/** Which instance a DICOM file is, and how its pixels are written. */
export interface InstanceIdentity {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
}

/** How much of a file is looked at, step by step: private groups before the UIDs can be large. */
const STEPS = [64 * 1024, 1024 * 1024, 16 * 1024 * 1024];

const MAX_INFLATED = 16 * 1024 * 1024;

/**
 * Reads the UIDs of a Part 10 file that is in memory; looks no further than Series Instance UID
 * (0020,000E). Throws `receive.not-dicom` where it is no Part 10 file, or a UID is missing or none.
 */
export function identityOf(file: Uint8Array): InstanceIdentity {
  for (const step of STEPS) {
    const found = identityIn(file.subarray(0, step));
    if (found !== undefined) return found;
    if (file.length <= step) break;
  }
  throw new DeepHealthError('receive.not-dicom');
}

function identityIn(head: Uint8Array): InstanceIdentity | undefined {
  try {
    return parseIdentity(head);
  } catch (cause) {
    throw new DeepHealthError('receive.not-dicom', undefined, { cause });
  }
}

/** The same of a file on disk, of which only the beginning is read. */
export async function identityOfFile(path: string): Promise<InstanceIdentity> {
  const handle = await open(path, 'r');
  try {
    for (const step of STEPS) {
      const head = await readHead(handle, step);
      const found = identityIn(head);
      if (found !== undefined) return found;
      if (head.length < step) break;
    }
  } finally {
    await handle.close();
  }
  throw new DeepHealthError('receive.not-dicom');
}

async function readHead(handle: FileHandle, size: number): Promise<Buffer> {
  const head = Buffer.alloc(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await handle.read(head, filled, size - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return head.subarray(0, filled);
}

/**
 * What the beginning of a file may cost. A header up to Series Instance UID has some hundred elements; one of
 * millions would hold up everybody else while it is read.
 */
const LIMITS: FilmLimits = {
  ...DEFAULT_FILM_LIMITS,
  elements: 10_000,
};

const LAST_TAG = '0020000E';
const DEFLATED = '1.2.840.10008.1.2.1.99';

/**
 * By the reader that reads the film later, so that both are of one mind. Undefined where the bytes do not hold
 * all of the UIDs; throws `file.too-complex`.
 */
function parseIdentity(head: Uint8Array): InstanceIdentity | undefined {
  if (head.length < 140 || Buffer.from(head.subarray(128, 132)).toString('latin1') !== 'DICM') {
    return undefined;
  }
  const bytes = new Uint8Array(head.buffer, head.byteOffset, head.byteLength);
  try {
    const metaEncoding = { explicit: isKnownVr(bytes, 136), little: true };
    const meta = readDataset(bytes, 132, metaEncoding, LIMITS, (tag) => !tag.startsWith('0002'));
    const transferSyntaxUid = uid(meta.dataset, '00020010');
    const deflated = transferSyntaxUid === DEFLATED;
    const body = deflated ? inflated(bytes.subarray(meta.end)) : bytes;
    const start = deflated ? 0 : meta.end;
    const encoding = encodingAt(body, start);
    const { dataset } = readDataset(body, start, encoding, LIMITS, (tag) => tag > LAST_TAG);
    const identity = {
      studyInstanceUid: uid(dataset, '0020000D'),
      seriesInstanceUid: uid(dataset, '0020000E'),
      sopInstanceUid: uid(dataset, '00080018'),
      sopClassUid: uid(dataset, '00080016'),
      transferSyntaxUid,
    };
    return Object.values(identity).every(isUid) ? identity : undefined;
  } catch (error) {
    // Cut off by the end of the beginning, or damaged.
    if (!(error instanceof DeepHealthError) || error.code === 'file.too-complex') throw error;
    return undefined;
  }
}

/** The only value of an attribute; several are nobody's name. */
function uid(dataset: DicomDataset, tag: string): string {
  const [value, ...others] = dataset[tag]?.Value ?? [];
  return typeof value === 'string' && others.length === 0 ? value : '';
}

/** So much deflated input cannot become more than MAX_INFLATED (deflate gains at most 1032 to 1). */
const SMALL_INPUT = 8 * 1024;

/**
 * Inflates the beginning of a deflated dataset; its end may be missing, the result is bounded. A blank film
 * is a small file and a large one inflated: then a small beginning has to do. Throws `file.malformed`.
 */
function inflated(deflated: Uint8Array): Uint8Array {
  for (const beginning of [deflated, deflated.subarray(0, SMALL_INPUT)]) {
    try {
      const found = inflateRawSync(beginning, {
        finishFlush: zlib.Z_SYNC_FLUSH,
        maxOutputLength: MAX_INFLATED,
      });
      return new Uint8Array(found.buffer, found.byteOffset, found.byteLength);
    } catch {
      // Too much, or damaged behind its beginning.
    }
  }
  throw new DeepHealthError('file.malformed');
}
