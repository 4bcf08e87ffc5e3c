import { type FileHandle, mkdir, open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { canonicalJson, sha256 } from '../canonical.ts';
import { FEATURES } from '../folder.ts';
import type { Manifest } from '../manifest.ts';

/** What the network computed of one film, without its picture: enough to train a head and fit a gate. */
export interface Bottleneck {
  /** [2048] */
  readonly features: Float32Array;
  /** Thumbnail of the tensor for the gate; empty when the model has no gate. */
  readonly thumb: Float32Array;
  readonly framed: boolean;
  /** The share of the thorax's box that is film, in (0,1]. */
  readonly shown: number;
  /** Size of the film in pixels; pictures tell it only when they are opened. */
  readonly rows: number;
  readonly columns: number;
}

/** Bottlenecks on disk by the SHA-256 of the film's file; what was computed once is not computed again. */
export interface BottleneckCache {
  get(digest: string): Bottleneck | undefined;
  /** Appends; on disk when the promise ends. */
  add(entries: readonly (readonly [string, Bottleneck])[]): Promise<void>;
  close(): Promise<void>;
}

const DIGEST_BYTES = 32;
/** What follows the features and the thumbnail: framed, shown, rows, columns. */
const TAIL = 4;
/** A record of another layout is another file. */
const LAYOUT = 4;
/** CRC-32 of what stands before it in a record. */
const SUM_BYTES = 4;

/**
 * Opens the cache of a base model in a folder, one file for each network and preparation. Records have a
 * fixed length and are only appended, so that a run that was stopped leaves at worst half a record at the
 * end, which is cut off. A record whose sum does not fit (a disk that failed, two runs with one cache) is computed
 * anew: features of zeros would be trained on without a word.
 */
export async function openBottlenecks(folder: string, base: Manifest): Promise<BottleneckCache> {
  await mkdir(folder, { recursive: true });
  const thumb = base.gate == null ? 0 : base.gate.thumb ** 2;
  const { backbone, localiser } = base.files;
  const key = sha256(canonicalJson([LAYOUT, backbone.sha256, localiser?.sha256, base.input, thumb])).slice(
    0,
    16,
  );
  const file = path.join(folder, `bottlenecks-${key}.bin`);
  const length = DIGEST_BYTES + 4 * (FEATURES + thumb + TAIL) + SUM_BYTES;
  const { known, count } = await readRecords(file, length, thumb);
  const handle: FileHandle = await open(file, 'a');
  await handle.truncate(count * length);
  let written: Promise<void> = Promise.resolve();
  return {
    get: (digest) => known.get(digest),
    async add(entries) {
      const fresh = entries.filter(([digest]) => !known.has(digest));
      const bytes = Buffer.concat(fresh.map(([digest, bottleneck]) => record(digest, bottleneck, length)));
      for (const [digest, bottleneck] of fresh) known.set(digest, bottleneck);
      // One after the other: a write that the system splits must not be mixed with another.
      written = written.then(() => handle.appendFile(bytes));
      await written;
    },
    close: async () => {
      await written.catch(() => {});
      await handle.close();
    },
  };
}

function record(
  digest: string,
  { features, thumb, framed, shown, rows, columns }: Bottleneck,
  length: number,
): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.write(digest, 'hex');
  const values = Float32Array.of(...features, ...thumb, framed ? 1 : 0, shown, rows, columns);
  Buffer.from(values.buffer).copy(bytes, DIGEST_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, length - SUM_BYTES)), length - SUM_BYTES);
  return bytes;
}

async function readRecords(
  file: string,
  length: number,
  thumb: number,
): Promise<{ known: Map<string, Bottleneck>; count: number }> {
  const known = new Map<string, Bottleneck>();
  let count = 0;
  if ((await stat(file).catch(() => undefined)) === undefined) return { known, count };
  const bytes = await readFile(file);
  for (let at = 0; at + length <= bytes.length; at += length) {
    count += 1;
    const end = at + length - SUM_BYTES;
    if (crc32(bytes.subarray(at, end)) !== bytes.readUInt32LE(end)) continue;
    const values = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset + at + DIGEST_BYTES, bytes.byteOffset + end),
    );
    known.set(bytes.toString('hex', at, at + DIGEST_BYTES), {
      features: values.subarray(0, FEATURES),
      thumb: values.subarray(FEATURES, FEATURES + thumb),
      framed: values[FEATURES + thumb] === 1,
      shown: values[FEATURES + thumb + 1] as number,
      rows: values[FEATURES + thumb + 2] as number,
      columns: values[FEATURES + thumb + 3] as number,
    });
  }
  return { known, count };
}
