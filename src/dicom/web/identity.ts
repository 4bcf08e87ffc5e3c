import { type FileHandle, open } from 'node:fs/promises';
import { inflateRawSync, constants as zlib } from 'node:zlib';
import dicomParser from 'dicom-parser';
import { DeepHealthError } from '../../errors/error.ts';
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
    const found = parseIdentity(file.subarray(0, step));
    if (found !== undefined) return found;
    if (file.length <= step) break;
  }
  throw new DeepHealthError('receive.not-dicom');
}

/** The same of a file on disk, of which only the beginning is read. */
export async function identityOfFile(path: string): Promise<InstanceIdentity> {
  const handle = await open(path, 'r');
  try {
    for (const step of STEPS) {
      const head = await readHead(handle, step);
      const found = parseIdentity(head);
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

/** Undefined where the bytes do not hold all of the UIDs. */
function parseIdentity(head: Uint8Array): InstanceIdentity | undefined {
  if (head.length < 132 || Buffer.from(head.subarray(128, 132)).toString('latin1') !== 'DICM')
    return undefined;
  let header: dicomParser.DataSet;
  try {
    header = dicomParser.parseDicom(Buffer.from(head), { untilTag: 'x0020000e', inflater });
  } catch {
    return undefined;
  }
  const identity = {
    studyInstanceUid: uid(header, 'x0020000d'),
    seriesInstanceUid: uid(header, 'x0020000e'),
    sopInstanceUid: uid(header, 'x00080018'),
    sopClassUid: uid(header, 'x00080016'),
    transferSyntaxUid: uid(header, 'x00020010'),
  };
  return Object.values(identity).every(isUid) ? identity : undefined;
}

function uid(header: dicomParser.DataSet, tag: string): string {
  try {
    return header.string(tag)?.replace(/[\0 ]+$/, '') ?? '';
  } catch {
    return '';
  }
}

/** So much deflated input cannot become more than MAX_INFLATED (deflate gains at most 1032 to 1). */
const SMALL_INPUT = 8 * 1024;

/**
 * Inflates the beginning of a deflated dataset; its end may be missing, the result is bounded. A blank film
 * is a small file and a large one inflated: then a small beginning has to do.
 */
function inflater(bytes: Uint8Array, position: number): Uint8Array {
  const deflated = bytes.subarray(position);
  let inflated: Buffer;
  try {
    inflated = inflateBeginning(deflated);
  } catch {
    inflated = inflateBeginning(deflated.subarray(0, SMALL_INPUT));
  }
  return Buffer.concat([bytes.subarray(0, position), inflated]);
}

function inflateBeginning(deflated: Uint8Array): Buffer {
  return inflateRawSync(deflated, { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: MAX_INFLATED });
}
