import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DeepHealthError } from '../../../errors/error.ts';
import type { DecodeJob, DecodeReply, DecoderSeed, PictureJob } from './job.ts';
import type { DecodeLimits } from './limits.ts';

/** Worker threads that decode; they start when there is work and leave when there is none. */
export interface DecodePool {
  /** @throws DeepHealthError; the pool stays usable. */
  run(job: DecodeJob | PictureJob): Promise<Extract<DecodeReply, { kind: 'decoded' }>>;
  close(): Promise<void>;
}

interface Task {
  readonly job: DecodeJob | PictureJob;
  readonly resolve: (reply: Extract<DecodeReply, { kind: 'decoded' }>) => void;
  readonly reject: (error: DeepHealthError) => void;
}

/** A worker with the frame that it is at. */
interface Seat {
  readonly worker: Worker;
  task: Task | undefined;
  timer: NodeJS.Timeout | undefined;
  frames: number;
}

/** An idle worker gives its memory back after this time. */
const IDLE_MILLISECONDS = 60_000;

/**
 * @param size most workers at once.
 * @param script what the workers run; they answer each job with a `DecodeReply`.
 * @param onIdle is called when the last worker has left.
 */
export function createPool(
  size: number,
  limits: DecodeLimits,
  script = new URL('./worker-entry.js', import.meta.url),
  onIdle: () => void = () => {},
): DecodePool {
  const seats = new Set<Seat>();
  const waiting: Task[] = [];
  let closed = false;

  /** Takes a worker out; what it had in hand fails. Its end is awaited by `close` only. */
  const leave = (seat: Seat, error?: DeepHealthError): Promise<number> => {
    seats.delete(seat);
    clearTimeout(seat.timer);
    const { task } = seat;
    seat.task = undefined;
    if (error !== undefined) task?.reject(error);
    if (seats.size === 0) onIdle();
    return seat.worker.terminate();
  };

  // Node adds a folder of its version.
  const cache = getCompileCacheDir();
  const compileCache = cache === undefined ? undefined : dirname(cache);
  const seed: DecoderSeed = { heapBytes: limits.heapBytes, compileCache };

  const start = (): Seat => {
    const worker = new Worker(script, {
      workerData: seed,
      name: 'pixel-decoder',
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 },
    });
    const seat: Seat = { worker, task: undefined, timer: undefined, frames: 0 };
    const crashed = (cause: unknown) => {
      if (!seats.has(seat)) return;
      void leave(seat, new DeepHealthError('pixel.decoder-crashed', undefined, { cause }));
      assign();
    };
    worker.on('message', (reply: DecodeReply) => settle(seat, reply));
    worker.on('error', crashed);
    worker.on('messageerror', crashed);
    worker.on('exit', (code) => crashed(new Error(`The decoder thread ended with ${code}.`)));
    seats.add(seat);
    return seat;
  };

  const settle = (seat: Seat, reply: DecodeReply) => {
    const { task } = seat;
    if (task === undefined) return;
    clearTimeout(seat.timer);
    seat.task = undefined;
    seat.frames++;
    if (reply.heapBytes > limits.recycleHeapBytes || seat.frames >= limits.recycleFrames) void leave(seat);
    else {
      seat.worker.unref();
      seat.timer = setTimeout(() => void leave(seat), IDLE_MILLISECONDS).unref();
    }
    if (reply.kind === 'decoded') task.resolve(reply);
    else task.reject(new DeepHealthError(reply.code, reply.message));
    assign();
  };

  const hand = (seat: Seat, task: Task) => {
    clearTimeout(seat.timer);
    seat.task = task;
    seat.worker.ref();
    seat.timer = setTimeout(() => {
      void leave(seat, new DeepHealthError('pixel.timeout'));
      assign();
    }, limits.milliseconds);
    const { job } = task;
    const memory = 'memory' in job && job.memory !== undefined ? [job.memory] : [];
    seat.worker.postMessage(job, [job.bytes.buffer, ...memory]);
  };

  /** Gives waiting frames to idle workers, and starts workers while there are seats. */
  const assign = () => {
    while (waiting.length > 0) {
      const idle = [...seats].find((seat) => seat.task === undefined);
      if (idle === undefined && seats.size >= size) return;
      const task = waiting.shift();
      if (task === undefined) return;
      try {
        hand(idle ?? start(), task);
      } catch (cause) {
        // No thread could be had.
        task.reject(new DeepHealthError('pixel.decoder-crashed', undefined, { cause }));
      }
    }
  };

  return {
    async run(job) {
      if (closed) throw new DeepHealthError('pixel.decoder-closed');
      if (waiting.length >= limits.waiting) throw new DeepHealthError('pixel.busy');
      const done = new Promise<Extract<DecodeReply, { kind: 'decoded' }>>((resolve, reject) => {
        waiting.push({ job, resolve, reject });
      });
      assign();
      return done;
    },

    async close() {
      closed = true;
      for (const task of waiting.splice(0)) task.reject(new DeepHealthError('pixel.decoder-closed'));
      await Promise.all([...seats].map((seat) => leave(seat, new DeepHealthError('pixel.decoder-closed'))));
    },
  };
}
