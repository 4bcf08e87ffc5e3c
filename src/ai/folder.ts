import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DeepHealthError } from '../errors/error.ts';
import { sha256 } from './canonical.ts';
import type { Head } from './head.ts';
import { type Manifest, type ManifestFile, parseManifest } from './manifest.ts';
import type { Label, ModelIdentity } from './reading.ts';

/** Features of the network's last layer before the head, and the side of its last map. */
export const FEATURES = 2048;
export const MAP_SIDE = 8;

/** A model folder in memory: every file is there and is the one the manifest was made for. */
export interface ModelFolder {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly identity: ModelIdentity;
  readonly head: Head;
  /** Reads and checks it each time but the first, which has what was read already: it is not kept for later. */
  readonly backbone: () => Promise<Uint8Array>;
  /** The network that finds the thorax, where the framing uses one. */
  readonly localiser: Uint8Array | undefined;
  /** What tells a chest film from anything else, where the model has it. */
  readonly gate: Uint8Array | undefined;
}

/**
 * Reads a model folder and checks each file's size and SHA-256.
 * @throws `model.missing`, `model.manifest`, `model.format`, `model.labels`, `model.file-missing`,
 * `model.digest`, `model.shape`
 */
export async function readModelFolder(directory: string): Promise<ModelFolder> {
  const text = await readFile(path.join(directory, 'manifest.json'), 'utf8').catch((cause: unknown) => {
    throw new DeepHealthError('model.missing', undefined, { cause });
  });
  const { manifest, identity } = parseManifest(text);
  const { localiser, gate } = manifest.files;
  if (localiser !== undefined && manifest.input.framing.localiser === undefined) {
    throw new DeepHealthError(
      'model.manifest',
      'The model has a localiser, but input.framing.localiser is not given.',
    );
  }
  if ((gate === undefined) !== (manifest.gate == null)) {
    throw new DeepHealthError('model.manifest', 'The model gives only one of gate and files.gate.');
  }
  return {
    directory,
    manifest,
    identity,
    head: readHead(manifest, await readChecked(directory, manifest.files.head)),
    backbone: await readAhead(() => readChecked(directory, manifest.files.backbone)),
    localiser: localiser === undefined ? undefined : await readChecked(directory, localiser),
    gate: gate === undefined ? undefined : await readChecked(directory, gate),
  };
}

/** Reads once now; the first to ask has it, whoever asks later reads again. */
async function readAhead(read: () => Promise<Uint8Array>): Promise<() => Promise<Uint8Array>> {
  let ahead: Uint8Array | undefined = await read();
  return async () => {
    const bytes = ahead ?? (await read());
    ahead = undefined;
    return bytes;
  };
}

async function readChecked(directory: string, file: ManifestFile): Promise<Uint8Array> {
  const bytes = await readFile(path.join(directory, file.path)).catch((cause: unknown) => {
    throw new DeepHealthError('model.file-missing', `The file ${file.path} of the model cannot be read.`, {
      cause,
    });
  });
  if (bytes.length !== file.bytes) {
    throw new DeepHealthError(
      'model.digest',
      `The file ${file.path} of the model has ${bytes.length} bytes instead of ${file.bytes}.`,
    );
  }
  if (sha256(bytes) !== file.sha256) {
    throw new DeepHealthError(
      'model.digest',
      `The file ${file.path} of the model has another SHA-256 than the manifest says.`,
    );
  }
  return bytes;
}

/** `head.bin`: float32 little endian, weights [labels, features] row-major, then bias [labels]. */
function readHead(manifest: Manifest, bytes: Uint8Array): Head {
  const labels = manifest.labels.map((label) => label.id as Label);
  const count = labels.length * (FEATURES + 1);
  if (bytes.length !== count * 4) {
    throw new DeepHealthError('model.shape', `The head holds ${bytes.length} bytes instead of ${count * 4}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Float32Array.from({ length: count }, (_, i) => view.getFloat32(i * 4, true));
  if (!values.every(Number.isFinite)) {
    throw new DeepHealthError('model.shape', 'The head holds values that are not numbers.');
  }
  return {
    labels,
    features: FEATURES,
    weights: values.subarray(0, labels.length * FEATURES),
    bias: values.subarray(labels.length * FEATURES),
  };
}

/** The bytes of `head.bin` for a head. */
export function headBytes(head: Head): Uint8Array {
  const bytes = new Uint8Array((head.weights.length + head.bias.length) * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of [...head.weights, ...head.bias].entries()) view.setFloat32(i * 4, value, true);
  return bytes;
}
