import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { DeepHealthError } from '../../errors/error.ts';
import { byteProductsSaturate } from './byte-products.ts';
import { type EngineOptions, MOST_LANES, type Network, type NetworkFile } from './network.ts';

/**
 * onnxruntime on the processor. A lone pass has all threads, so that one film is quick. Passes that run side by
 * side share them, each in a session of fewer threads: they wait for nobody in the middle of a layer, which on
 * busy cores is a quarter of the time (docs/decisions/0114). That session is opened when it is first wanted.
 * Operators run one after the other and sums do not depend on the threads: the same input gives the same bytes.
 */
export async function openOnnx<Output extends string>(
  file: NetworkFile<Output>,
  options: EngineOptions,
): Promise<Network<Output>> {
  const names = Object.keys(file.outputs) as Output[];
  const threads = options.threads || availableParallelism();
  const lanes = Math.max(1, Math.min(threads, options.lanes ?? MOST_LANES));
  const share = Math.max(1, Math.floor(threads / lanes));
  const session = await createSession(file.bytes, threads);
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
  let shared: Promise<ort.InferenceSession> | undefined;
  let underWay = 0;

  /** The session for a pass that begins now. */
  function forPass(): ort.InferenceSession | Promise<ort.InferenceSession> {
    if (underWay === 1 || share === threads) return session;
    shared ??= createSession(file.bytes, share);
    return shared;
  }

  return {
    backend: 'onnxruntime cpu',
    lanes,
    async close() {
      await session.release();
      await (await shared)?.release();
    },
    async run(inputs, count) {
      const feed = { [file.input.name]: new ort.Tensor('float32', inputs, [count, ...file.input.shape]) };
      underWay += 1;
      try {
        const found = await (await forPass()).run(feed, names);
        return Object.fromEntries(names.map((name) => [name, found[name]?.data as Float32Array])) as Record<
          Output,
          Float32Array
        >;
      } catch (cause) {
        throw new DeepHealthError('engine.failed', undefined, { cause });
      } finally {
        underWay -= 1;
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
