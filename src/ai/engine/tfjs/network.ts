import type { Tensor } from '@tensorflow/tfjs-core';
import { DeepHealthError } from '../../../errors/error.ts';
import { bytesOf, type EngineOptions, type Network, type NetworkFile } from '../network.ts';
import { startTensorFlow } from './backend.ts';
import { readGraph } from './graph.ts';
import { compile, type Program } from './program.ts';

/**
 * Runs an ONNX file with TensorFlow.js: the second engine, for machines without an onnxruntime binary and
 * as a check on the first. Quantised networks are computed in whole numbers, as onnxruntime does.
 * @throws `model.network`, `engine.unavailable`
 */
export async function openTfjs<Output extends string>(
  file: NetworkFile<Output>,
  _options: EngineOptions,
): Promise<Network<Output>> {
  const tf = await startTensorFlow();
  const bytes = await bytesOf(file);
  const names = Object.keys(file.outputs) as Output[];
  let program: Program;
  try {
    program = compile(tf, readGraph(bytes), file.input.name, names);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DeepHealthError(
      'model.network',
      `TensorFlow.js cannot run the network file: ${cause.message}.`,
      { cause },
    );
  }
  const [channels, rows, columns] = file.input.shape;
  return {
    backend: `tfjs ${tf.getBackend()}`,
    lanes: 1,
    close: async () => program.dispose(),
    async run(inputs, count) {
      const picture = tf.tensor(inputs, [count, channels ?? 1, rows ?? 1, columns ?? 1]);
      const image = tf.transpose(picture, [0, 2, 3, 1]);
      picture.dispose();
      let found: Tensor[] = [];
      try {
        found = program.run({ tensor: image, scale: null });
        const values = await Promise.all(found.map((tensor) => tensor.data()));
        return Object.fromEntries(names.map((name, i) => [name, values[i]])) as Record<Output, Float32Array>;
      } catch (cause) {
        throw new DeepHealthError('engine.failed', undefined, { cause });
      } finally {
        for (const tensor of found) tensor.dispose();
      }
    },
  };
}
