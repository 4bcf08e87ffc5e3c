import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { DeepHealthError } from '../errors/error.ts';
import { sha256 } from './canonical.ts';
import { readModelFolder } from './folder.ts';

const shipped = path.resolve(import.meta.dirname, '../../models/pneumonia-inception-v3');

// biome-ignore lint/suspicious/noExplicitAny: a manifest to be damaged has any shape
type Loose = any;

/** A copy of the shipped model, damaged; gives what loading it throws. */
async function codeAfter(damage: (folder: string) => Promise<void>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dh-model-'));
  try {
    await cp(shipped, folder, { recursive: true });
    await damage(folder);
    await readModelFolder(folder);
    return 'none';
  } catch (error) {
    assert.ok(error instanceof DeepHealthError, String(error));
    return error.code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function edit(folder: string, change: (manifest: Loose) => void): Promise<void> {
  const file = path.join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Loose;
  change(manifest);
  await writeFile(file, JSON.stringify(manifest));
}

test('the shipped model is whole', async () => {
  const folder = await readModelFolder(shipped);
  assert.match(folder.identity.sha256, /^[0-9a-f]{64}$/);
  assert.equal(folder.head.weights.length, 3 * 2048);
});

for (const [what, code, damage] of [
  ['no manifest', 'model.missing', (folder) => rm(path.join(folder, 'manifest.json'))],
  [
    'a manifest that is no JSON',
    'model.manifest',
    (folder) => writeFile(path.join(folder, 'manifest.json'), '{'),
  ],
  [
    'another format',
    'model.format',
    (folder) =>
      edit(folder, (m) => {
        m.format = 2;
      }),
  ],
  [
    'a label missing',
    'model.labels',
    (folder) =>
      edit(folder, (m) => {
        m.labels.pop();
      }),
  ],
  [
    'an unknown label',
    'model.labels',
    (folder) =>
      edit(folder, (m) => {
        m.labels[0].id = 'tuberculosis';
      }),
  ],
  [
    'thresholds the wrong way round',
    'model.manifest',
    (folder) =>
      edit(folder, (m) => {
        m.decision.absent = 0.99;
        m.decision.present = 0.1;
      }),
  ],
  [
    'another resize',
    'model.manifest',
    (folder) =>
      edit(folder, (m) => {
        m.input.resize = 'nearest';
      }),
  ],
  [
    'films made ready in another way',
    'model.manifest',
    (folder) =>
      edit(folder, (m) => {
        m.input.preprocessing = 'dh-pre-1';
      }),
  ],
  [
    'a file outside of the folder',
    'model.manifest',
    (folder) =>
      edit(folder, (m) => {
        m.files.head.path = '../head.bin';
      }),
  ],
  ['a file that is not there', 'model.file-missing', (folder) => rm(path.join(folder, 'head.bin'))],
  ['a file cut off', 'model.digest', (folder) => truncate(path.join(folder, 'backbone.onnx'), 1000)],
  [
    'a file with one byte changed',
    'model.digest',
    async (folder) => {
      const file = path.join(folder, 'head.bin');
      const bytes = await readFile(file);
      bytes[100] = (bytes[100] ?? 0) ^ 1;
      await writeFile(file, bytes);
    },
  ],
  [
    'a head of another size, digest and all',
    'model.shape',
    async (folder) => {
      const bytes = new Uint8Array(400);
      await writeFile(path.join(folder, 'head.bin'), bytes);
      await edit(folder, (m) => {
        m.files.head = { path: 'head.bin', bytes: 400, sha256: sha256(bytes) };
      });
    },
  ],
] as [string, string, (folder: string) => Promise<void>][]) {
  test(`a model folder with ${what} is refused as ${code}`, async () => {
    assert.equal(await codeAfter(damage), code);
  });
}

test('the identity of a model does not hang on the layout of its manifest but on each of its values', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dh-model-'));
  try {
    await cp(shipped, folder, { recursive: true });
    const before = (await readModelFolder(folder)).identity.sha256;
    await edit(folder, () => {});
    assert.equal((await readModelFolder(folder)).identity.sha256, before);
    await edit(folder, (m) => {
      m.decision.typeMargin += 0.001;
    });
    assert.notEqual((await readModelFolder(folder)).identity.sha256, before);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
