import type { Worker } from 'node:worker_threads';
import { DeepHealthError, type ErrorCode } from '../../errors/error.ts';
import { startThread } from '../../machine/thread.ts';
import type { OnnxSession, SessionSeed } from './onnx-session.ts';

export type ToLane =
  | { readonly kind: 'open'; readonly seed: SessionSeed }
  | { readonly kind: 'run'; readonly inputs: Float32Array; readonly count: number };

export type FromLane =
  | { readonly kind: 'opened' }
  | { readonly kind: 'ran'; readonly outputs: Record<string, Float32Array> }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string | undefined;
      /** What onnxruntime said. */
      readonly said: string;
    };

/** Heaps of a lane's thread in MB: it holds the numbers of one pass, which are outside of its heap. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/**
 * A session of onnxruntime in a thread of its own. onnxruntime-node computes in the thread that calls it: in the
 * main one nothing would be received, answered or delivered meanwhile, and no two passes would run at once.
 *
 * @param given whether the bytes of the network may be handed over instead of copied
 * @throws `model.network`; `engine.failed` when there is no thread to be had
 */
export async function openLane(seed: SessionSeed, given = false): Promise<OnnxSession> {
  const worker = start();
  const asked: PromiseWithResolvers<FromLane>[] = [];
  let ended: Error | undefined;

  const crashed = (cause: Error) => {
    ended ??= cause;
    for (const each of asked.splice(0))
      each.reject(new DeepHealthError('engine.failed', undefined, { cause }));
  };
  worker.on('message', (reply: FromLane) => {
    asked.shift()?.resolve(reply);
    // An idle lane keeps no process alive.
    if (asked.length === 0) worker.unref();
  });
  worker.on('error', crashed);
  worker.on('messageerror', crashed);
  worker.on('exit', (code) => crashed(new Error(`The thread of the engine ended with ${code}.`)));

  async function ask(question: ToLane, handed: ArrayBuffer[] = []): Promise<FromLane> {
    if (ended !== undefined) throw new DeepHealthError('engine.failed', undefined, { cause: ended });
    worker.postMessage(question, handed);
    worker.ref();
    const answered = Promise.withResolvers<FromLane>();
    asked.push(answered);
    const reply = await answered.promise;
    if (reply.kind !== 'failed') return reply;
    throw new DeepHealthError(reply.code, reply.message, { cause: new Error(reply.said) });
  }

  try {
    const { buffer, byteLength } = seed.bytes;
    const whole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
    await ask({ kind: 'open', seed }, given && whole ? [buffer] : []);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    async run(inputs, count) {
      const reply = await ask({ kind: 'run', inputs, count });
      if (reply.kind !== 'ran') throw new Error('a lane answered another question');
      return reply.outputs;
    },
    async close() {
      await worker.terminate();
    },
  };
}

function start(): Worker {
  try {
    return startThread(new URL('./onnx-thread.ts', import.meta.url), {
      name: 'engine',
      resourceLimits: HEAP,
    });
  } catch (cause) {
    throw new DeepHealthError('engine.failed', 'No thread could be had for the engine.', { cause });
  }
}
