import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { DeepHealthError } from '../../errors/error.ts';
import { byteProductsSaturate } from './byte-products.ts';
import type { EngineOptions, Network, NetworkFile } from './network.ts';

/**
 * onnxruntime on the processor. The thread count is set by hand and passes run one operator at a time, so
 * the same input gives the same bytes on the same machine.
 */
export async function openOnnx<Output extends string>(
  file: NetworkFile<Output>,
  options: EngineOptions,
): Promise<Network<Output>> {
  const names = Object.keys(file.outputs) as Output[];
  const session = await createSession(file.bytes, options.threads || availableParallelism());
  for (const [kind, known, wanted] of [
    ['input', session.inputNames, [file.input.name]],
    ['output', session.outputNames, names],
  ] as const) {
    const missing = wanted.find((name) => !known.includes(name));
    if (missing !== undefined) {
      await session.release();
      throw new DeepHealthError('model.network', `The network has no ${kind} named ${missing}.`);
    }
  }
  return {
    backend: 'onnxruntime cpu',
    close: () => session.release(),
    async run(inputs, count) {
      const feed = { [file.input.name]: new ort.Tensor('float32', inputs, [count, ...file.input.shape]) };
      try {
        const found = await session.run(feed, names);
        return Object.fromEntries(names.map((name) => [name, found[name]?.data as Float32Array])) as Record<
          Output,
          Float32Array
        >;
      } catch (cause) {
        throw new DeepHealthError('engine.failed', undefined, { cause });
      }
    },
  };
}

async function createSession(bytes: Uint8Array, threads: number): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      extra: { session: { x64quantprecision: byteProductsSaturate(process.arch, cpuinfo()) ? '1' : '0' } },
    });
  } catch (cause) {
    throw new DeepHealthError('model.network', 'onnxruntime cannot open the network file.', { cause });
  }
}

function cpuinfo(): string | null {
  try {
    return readFileSync('/proc/cpuinfo', 'latin1');
  } catch {
    return null;
  }
}
