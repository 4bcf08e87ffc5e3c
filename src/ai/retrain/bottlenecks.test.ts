import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readModelFolder } from '../folder.ts';
import { type Bottleneck, openBottlenecks } from './bottlenecks.ts';

const base = path.resolve(import.meta.dirname, '../../../models/pneumonia-inception-v3');
const digest = (n: number) => n.toString(16).padStart(64, '0');

test('a record that was damaged on the disk is not trained on, those around it are', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'dh-bottlenecks-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { manifest } = await readModelFolder(base);
  const thumb = manifest.gate == null ? 0 : manifest.gate.thumb ** 2;
  const bottleneck = (n: number): Bottleneck => ({
    features: Float32Array.from({ length: 2048 }, (_, k) => n + k / 4096),
    thumb: new Float32Array(thumb).fill(n),
    framed: n % 2 === 1,
    shown: n / 8,
    ...{ rows: 100 + n, columns: 200 + n },
  });
  const cache = await openBottlenecks(folder, manifest);
  await cache.add([1, 2, 3].map((n) => [digest(n), bottleneck(n)] as const));
  await cache.close();

  const [name = ''] = await readdir(folder);
  const file = path.join(folder, name);
  const bytes = await readFile(file);
  const length = bytes.length / 3;
  // What a power cut leaves of a page that was never written.
  bytes.fill(0, length + 1000, length + 3000);
  await writeFile(file, bytes);

  const again = await openBottlenecks(folder, manifest);
  assert.deepEqual(again.get(digest(1)), bottleneck(1));
  assert.equal(again.get(digest(2)), undefined);
  assert.deepEqual(again.get(digest(3)), bottleneck(3));
  await again.add([[digest(2), bottleneck(2)]]);
  await again.close();
  const mended = await openBottlenecks(folder, manifest);
  assert.deepEqual(
    [1, 2, 3].map((n) => mended.get(digest(n))),
    [1, 2, 3].map(bottleneck),
  );
  await mended.close();
});
