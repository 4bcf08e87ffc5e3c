import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { DeepHealthError } from '../../errors/error.ts';
import { byteProductsSaturate } from './byte-products.ts';

/** What onnxruntime is given to open. */
export interface SessionSeed {
  /** The ONNX file. */
  readonly bytes: Uint8Array;
  readonly threads: number;
  readonly input: { readonly name: string; readonly shape: readonly number[] };
  /** Shapes by name, as that of the input without the leading batch dimension. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

/** One session of onnxruntime. Whoever calls `run` waits: onnxruntime-node computes in the calling thread. */
export interface OnnxSession {
  /** @throws whatever onnxruntime throws */
  run(inputs: Float32Array, count: number): Promise<Record<string, Float32Array>>;
  close(): Promise<void>;
}

/** @throws `model.network` when it cannot be opened, or has no such input or output */
export async function openSession({ bytes, threads, input, outputs }: SessionSeed): Promise<OnnxSession> {
  const session = await createSession(bytes, threads);
  const names = Object.keys(outputs);
  for (const [kind, known, wanted] of [
    ['input', session.inputNames, [input.name]],
    ['output', session.outputNames, names],
  ] as const) {
    const missing = wanted.find((name) => !known.includes(name));
    if (missing !== undefined) {
      await session.release();
      throw new DeepHealthError('model.network', `The network has no ${kind} named ${missing}.`);
    }
  }
  return {
    async run(inputs, count) {
      const feed = { [input.name]: new ort.Tensor('float32', inputs, [count, ...input.shape]) };
      const found = await session.run(feed, names);
      return Object.fromEntries(names.map((name) => [name, found[name]?.data as Float32Array]));
    },
    close: () => session.release(),
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
      extra: {
        session: {
          x64quantprecision: byteProductsSaturate(process.arch, cpuinfo()) ? '1' : '0',
          // Threads that wait sleep: a core is better used to decode the next film than to spin.
          intra_op: { allow_spinning: '0' },
        },
      },
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
