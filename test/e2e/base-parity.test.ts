import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { io } from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { openNetwork } from '../../src/ai/engine/network.ts';
import { startTensorFlow } from '../../src/ai/engine/tfjs/backend.ts';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const root = path.resolve(import.meta.dirname, '../..');
const SIZE = 299;

/** The LayersModel as npm nsfwjs carries it: topology, and six shards of base64 text. */
function packagedModel(): io.ModelArtifacts {
  const folder = path.join(root, 'node_modules/nsfwjs/dist/models/inception_v3');
  const model = require(path.join(folder, 'model.min.js')) as {
    modelTopology: object;
    weightsManifest: [{ paths: string[]; weights: io.WeightsManifestEntry[] }];
  };
  const [{ paths, weights }] = model.weightsManifest;
  const shards = paths.map((name) => Buffer.from(require(path.join(folder, `${name}.min.js`)), 'base64'));
  const bytes = new Uint8Array(Buffer.concat(shards));
  return { modelTopology: model.modelTopology, weightSpecs: weights, weightData: bytes.buffer };
}

/** Grey pictures with edges and textures of several sizes. */
function pictures(count: number): Float32Array {
  return Float32Array.from({ length: count * SIZE * SIZE }, (_, i) => {
    const picture = Math.floor(i / (SIZE * SIZE));
    const x = i % SIZE;
    const y = Math.floor(i / SIZE) % SIZE;
    const waves = Math.sin(x / (7 + 11 * picture)) * Math.cos(y / (13 - picture));
    const disc = Math.hypot(x - 150, y - 120 - 30 * picture) < 80 ? 0.25 : 0;
    return Math.min(1, Math.max(0, 0.4 + 0.3 * waves + disc + 0.05 * Math.sin(i * 12.9898)));
  });
}

async function pythonHas(modules: readonly string[]): Promise<boolean> {
  return run('/usr/bin/python3', ['-c', `import ${modules.join(', ')}`]).then(
    () => true,
    () => false,
  );
}

test('the converted base gives the features that the original gives in TensorFlow.js', async (t) => {
  if (!(await pythonHas(['torch', 'onnx']))) {
    t.skip('python3-torch and python3-onnx are not installed');
    return;
  }
  const scratch = await mkdtemp(path.join(tmpdir(), 'dh-base-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  const environment = { ...process.env, DH_WORK: scratch };
  const python = (script: string, ...args: string[]) =>
    run('/usr/bin/python3', [path.join(root, 'training', script), ...args], { cwd: root, env: environment });
  await python('convert_base.py', '--out', scratch);
  await python('export.py', 'base', path.join(scratch, 'base.pt'), '--out', path.join(scratch, 'base.onnx'));

  const count = 3;
  const grey = pictures(count);
  const file = {
    bytes: await readFile(path.join(scratch, 'base.onnx')),
    input: { name: 'image', shape: [1, SIZE, SIZE] },
    outputs: { features: { shape: [2048] }, featureMap: { shape: [2048, 8, 8] } },
  } as const;
  const base = await openNetwork(file);
  t.after(() => base.close());
  const converted = await base.run(grey, count);
  const second = await openNetwork(file, { engine: 'tfjs' });
  t.after(() => second.close());
  const interpreted = await second.run(grey, count);

  const tf = await startTensorFlow();
  const original = await layers.loadLayersModel({ load: async () => packagedModel() });
  const mixed10 = original.layers.findLast((layer) => layer.getClassName() === 'Concatenate');
  assert.ok(mixed10);
  const trunk = layers.model({ inputs: original.inputs, outputs: mixed10.output });
  const [features, featureMap] = tf.tidy(() => {
    const rgb = tf.tile(tf.tensor4d(grey, [count, SIZE, SIZE, 1]), [1, 1, 1, 3]);
    const map = trunk.predict(rgb) as import('@tensorflow/tfjs-core').Tensor4D;
    return [tf.mean(map, [1, 2]), tf.transpose(map, [0, 3, 1, 2])];
  });
  for (const [name, found, wanted] of [
    ['features', converted.features, Float32Array.from(await features.data())],
    ['features of our interpreter', interpreted.features, converted.features],
    ['featureMap', converted.featureMap, Float32Array.from(await featureMap.data())],
  ] as const) {
    assert.equal(found.length, wanted.length);
    const worst = found.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (wanted[i] as number))),
      0,
    );
    const highest = wanted.reduce((most, value) => Math.max(most, value), 0);
    t.diagnostic(
      `${name}: largest difference ${worst.toExponential(1)} of values up to ${highest.toFixed(2)}`,
    );
    assert.ok(highest > 0.1, 'the pictures excite the network');
    assert.ok(worst < 1e-3, `${name} differ by ${worst}`);
  }
  tf.dispose([features, featureMap]);
  original.dispose();
});
