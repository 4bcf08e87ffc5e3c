import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import { ENGINES, type EngineName, openNetwork } from './network.ts';
import { startTensorFlow } from './tfjs/backend.ts';
import { readGraph } from './tfjs/graph.ts';

const folder = path.resolve(import.meta.dirname, '../../../models/pneumonia-inception-v3');
const input = { name: 'image', shape: [1, 299, 299] };
const outputs = { features: { shape: [2048] } };
let backbone: Buffer;
before(async () => {
  backbone = await readFile(path.join(folder, 'backbone.onnx'));
});

async function codeOf(engine: EngineName, bytes: Uint8Array, changes: object = {}): Promise<string> {
  try {
    const network = await openNetwork({ bytes, input, outputs, ...changes }, { engine, threads: 1 });
    await network.close();
    return 'none';
  } catch (error) {
    assert.ok(error instanceof DeepHealthError, String(error));
    return error.code;
  }
}

for (const engine of ENGINES) {
  test(`${engine}: bytes that are no network are refused with a code`, async () => {
    for (const bytes of [new Uint8Array(), Buffer.from('hello, network'), new Uint8Array(5000).fill(0xff)]) {
      assert.equal(await codeOf(engine, bytes), 'model.network');
    }
    for (const share of [0.001, 0.1, 0.5, 0.9, 0.999]) {
      const cut = backbone.subarray(0, Math.floor(backbone.length * share));
      assert.equal(await codeOf(engine, cut), 'model.network', `cut at ${share}`);
    }
  });

  test(`${engine}: a network with other inputs or outputs is refused`, async () => {
    assert.equal(await codeOf(engine, backbone, { input: { ...input, name: 'picture' } }), 'model.network');
    assert.equal(await codeOf(engine, backbone, { outputs: { nothing: { shape: [1] } } }), 'model.network');
  });

  test(`${engine}: an output of another size is no output of this network`, async () => {
    const smaller = { features: { shape: [2047] } };
    const network = await openNetwork({ bytes: backbone, input, outputs: smaller }, { engine, threads: 1 });
    try {
      await assert.rejects(network.run(new Float32Array(299 * 299), 1), { code: 'model.network' });
    } finally {
      await network.close();
    }
  });

  test(`${engine}: a long run is cut into batches and the answers stay in order`, async () => {
    const one = 299 * 299;
    const pictures = Float32Array.from(
      { length: 3 * one },
      (_, i) => (Math.floor(i / one) + 1) * 0.2 + 0.1 * Math.sin(i),
    );
    const network = await openNetwork({ bytes: backbone, input, outputs }, { engine, threads: 1, batch: 2 });
    try {
      const { features } = await network.run(pictures, 3);
      for (let n = 0; n < 3; n += 1) {
        const alone = await network.run(pictures.slice(n * one, (n + 1) * one), 1);
        assert.deepEqual(features.subarray(n * 2048, (n + 1) * 2048), alone.features);
      }
      await assert.rejects(network.run(pictures, 2), { code: 'engine.failed' });
    } finally {
      await network.close();
    }
  });
}

test('onnx: passes are computed beside the calling thread, and every lane gives the same bytes', async () => {
  const picture = Float32Array.from({ length: 299 * 299 }, (_, i) => ((i * 31) % 255) / 255);
  const network = await openNetwork({ bytes: backbone, input, outputs }, { engine: 'onnx', threads: 2 });
  try {
    assert.equal(network.lanes, 2);
    let ended = false;
    const passes = Promise.all([network.run(picture, 1), network.run(picture, 1)]).finally(() => {
      ended = true;
    });
    let turns = 0;
    for (; !ended; turns += 1) await new Promise(setImmediate);
    const [one, other] = await passes;
    assert.deepEqual(one, other);
    assert.ok(turns > 100, `the calling thread had ${turns} turns`);
  } finally {
    await network.close();
  }
});

test('onnx: a network that is read anew is read once for all lanes, and not kept when all are open', async () => {
  let reads = 0;
  let bytes = new Uint8Array();
  const read = async () => {
    reads += 1;
    bytes = new Uint8Array(backbone);
    return bytes;
  };
  const network = await openNetwork({ bytes: read, input, outputs }, { engine: 'onnx', threads: 2 });
  try {
    assert.deepEqual([reads, bytes.length], [1, backbone.length], 'the second lane has yet to open');
    const picture = new Float32Array(299 * 299).fill(0.5);
    const [one, other] = await Promise.all([network.run(picture, 1), network.run(picture, 1)]);
    assert.deepEqual(one, other);
    assert.deepEqual([reads, bytes.length], [1, 0], 'the last lane was given them');
  } finally {
    await network.close();
  }
});

test('onnx: for many films every lane is open from the start, and the bytes are read once for all', async () => {
  let [reads, threads] = [0, 0];
  const read = async () => {
    reads += 1;
    return new Uint8Array(backbone);
  };
  const count = () => {
    threads += 1;
  };
  process.on('worker', count);
  const options = { engine: 'onnx', threads: 2, many: true } as const;
  const network = await openNetwork({ bytes: read, input, outputs }, options);
  try {
    assert.deepEqual([reads, threads], [1, 2]);
    const picture = new Float32Array(299 * 299).fill(0.5);
    const [one, other] = await Promise.all([network.run(picture, 1), network.run(picture, 1)]);
    assert.deepEqual(one, other);
    assert.deepEqual([reads, threads], [1, 2]);
  } finally {
    process.off('worker', count);
    await network.close();
  }
});

test('onnx: when one of many lanes cannot be opened none stays open', async () => {
  const cut = backbone.subarray(0, backbone.length >> 1);
  const bytes = async () => new Uint8Array(cut);
  const many = openNetwork({ bytes, input, outputs }, { engine: 'onnx', threads: 2, many: true });
  await assert.rejects(many, { code: 'model.network' });
});

test('tfjs never runs on plain JavaScript, and leaves no tensor behind', async () => {
  const tf = await startTensorFlow();
  assert.match(tf.getBackend(), /^(wasm|tensorflow)$/);
  const before = tf.memory().numTensors;
  const network = await openNetwork({ bytes: backbone, input, outputs }, { engine: 'tfjs' });
  await network.run(new Float32Array(299 * 299), 1);
  await network.close();
  assert.equal(await codeOf('tfjs', backbone, { outputs: { nothing: { shape: [1] } } }), 'model.network');
  assert.equal(tf.memory().numTensors, before);
});

test('the graph of the shipped network is read as it is', () => {
  const graph = readGraph(backbone);
  assert.deepEqual(graph.inputs, ['image']);
  assert.deepEqual(graph.outputs.toSorted(), ['featureMap', 'features']);
  assert.equal(graph.nodes.filter((node) => node.op === 'Conv').length, 94);
});
