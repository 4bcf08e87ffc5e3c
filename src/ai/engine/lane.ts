import type { Worker } from 'node:worker_threads';
import { DeepHealthError, type ErrorCode } from '../../errors/error.ts';
import { startThread } from '../../machine/thread.ts';
import { sizeOf } from './network.ts';
import type { OnnxSession, SessionSeed } from './onnx-session.ts';

export type ToLane =
  | { readonly kind: 'open'; readonly seed: SessionSeed }
  | { readonly kind: 'run'; readonly count: number; readonly room: LaneRoom };

export type FromLane =
  | { readonly kind: 'opened' }
  | { readonly kind: 'ran' }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string | undefined;
      /** What onnxruntime said. */
      readonly said: string;
    };

/**
 * Numbers of a pass in memory that both threads see and every pass uses again: sent there and back, each film would
 * leave 2 MB behind, which nothing collects in a thread that does little else than wait for onnxruntime.
 */
export interface LaneRoom {
  /** The most inputs that fit. */
  readonly count: number;
  readonly inputs: Float32Array<SharedArrayBuffer>;
  readonly outputs: Readonly<Record<string, Float32Array<SharedArrayBuffer>>>;
}

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
  let room: LaneRoom | undefined;
  async function pass(inputs: Float32Array, count: number): Promise<Record<string, Float32Array>> {
    if (room === undefined || room.count < count) room = roomFor(seed, count);
    const { inputs: place, outputs } = room;
    place.set(inputs);
    const reply = await ask({ kind: 'run', count, room });
    if (reply.kind !== 'ran') throw new Error('a lane answered another question');
    const own = ([name, shape]: [string, readonly number[]]) => {
      const found = new Float32Array(count * sizeOf(shape));
      found.set(outputs[name]?.subarray(0, found.length) ?? []);
      return [name, found] as const;
    };
    return Object.fromEntries(Object.entries(seed.outputs).map(own));
  }

  let last: Promise<unknown> = Promise.resolve();
  return {
    run(inputs, count) {
      // One after the other: there is one room.
      const mine = last.then(() => pass(inputs, count));
      last = mine.catch(() => {});
      return mine;
    },
    async close() {
      await worker.terminate();
    },
  };
}

function roomFor({ input, outputs }: SessionSeed, count: number): LaneRoom {
  const numbers = (shape: readonly number[]) =>
    new Float32Array(new SharedArrayBuffer(count * sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT));
  return {
    count,
    inputs: numbers(input.shape),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, shape]) => [name, numbers(shape)])),
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
