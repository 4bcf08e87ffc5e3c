import type { Worker } from 'node:worker_threads';
import { DeepHealthError } from '../../../errors/error.ts';
import { startThread } from '../../../machine/thread.ts';
import { handedOver } from './handed-over.ts';
import type { DecodeJob, DecodeReply, DecoderSeed, PictureJob, WorkerWord } from './job.ts';
import type { DecodeLimits } from './limits.ts';

type Job = DecodeJob | PictureJob;
type Decoded = Extract<DecodeReply, { kind: 'decoded' }>;

/** Worker threads that decode; they start when there is work and leave when there is none. */
export interface DecodePool {
  /**
   * @param make gives the job when a worker is free for it, so that what waits holds no memory.
   * @param over is called once, before this settles or later, when no thread looks at the job's memory any more;
   * without a reply when the worker failed or was ended.
   * @throws DeepHealthError; the pool stays usable.
   */
  run(make: () => Job, over?: (job: Job, reply?: Decoded) => void): Promise<Decoded>;
  close(): Promise<void>;
}

interface Task {
  readonly make: () => Job;
  readonly over: (job: Job, reply?: Decoded) => void;
  readonly resolve: (reply: Decoded) => void;
  readonly reject: (error: DeepHealthError) => void;
}

/** A worker with the frame that it is at. */
interface Seat {
  readonly worker: Worker;
  ready: boolean;
  task: (Task & { readonly job: Job }) | undefined;
  /** Of the start, of a frame, or of idleness. */
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
  script = new URL('./worker.ts', import.meta.url),
  onIdle: () => void = () => {},
): DecodePool {
  const seats = new Set<Seat>();
  const waiting: Task[] = [];
  /** Workers that were told to end. */
  const ending = new Set<Promise<unknown>>();
  let closed = false;

  /** Takes a worker out; what it had in hand fails. Its end is awaited by `close` only. */
  const leave = (seat: Seat, error?: DeepHealthError): void => {
    seats.delete(seat);
    clearTimeout(seat.timer);
    const { task } = seat;
    seat.task = undefined;
    if (error !== undefined) task?.reject(error);
    if (seats.size === 0) onIdle();
    const ended = seat.worker.terminate().finally(() => {
      ending.delete(ended);
      // Until now it may have written.
      task?.over(task.job);
    });
    ending.add(ended);
  };

  const seed: DecoderSeed = { heapBytes: limits.heapBytes };

  const start = (): Seat => {
    const worker = startThread(script, {
      name: 'pixel-decoder',
      seed,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 6 },
    });
    const timer = setTimeout(() => {
      const seconds = limits.startMilliseconds / 1000;
      const message = `A decoder thread did not start within ${seconds} s.`;
      leave(seat, new DeepHealthError('pixel.busy', message));
      assign();
    }, limits.startMilliseconds);
    const seat: Seat = { worker, ready: false, task: undefined, timer, frames: 0 };
    const crashed = (cause: unknown) => {
      if (!seats.has(seat)) return;
      leave(seat, new DeepHealthError('pixel.decoder-crashed', undefined, { cause }));
      assign();
    };
    worker.on('message', (word: WorkerWord) => {
      if (word.kind === 'ready') begin(seat);
      else settle(seat, word);
    });
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
    seat.ready = true;
    seat.task = undefined;
    seat.frames++;
    task.over(task.job, reply.kind === 'decoded' ? reply : undefined);
    if (reply.heapBytes > limits.recycleHeapBytes || seat.frames >= limits.recycleFrames) leave(seat);
    else rest(seat);
    if (reply.kind === 'decoded') task.resolve(reply);
    else task.reject(new DeepHealthError(reply.code, reply.message));
    assign();
  };

  const hand = (seat: Seat, waited: Task) => {
    const job = waited.make();
    seat.task = { ...waited, job };
    seat.worker.ref();
    if (seat.ready) watch(seat);
    const memory = 'memory' in job && job.memory !== undefined ? [{ buffer: job.memory }] : [];
    seat.worker.postMessage(job, handedOver(job.bytes, ...memory));
  };

  /** A worker has started, and goes to the frame that it was given meanwhile. */
  const begin = (seat: Seat) => {
    if (!seats.has(seat)) return;
    seat.ready = true;
    if (seat.task === undefined) rest(seat);
    else watch(seat);
  };

  const rest = (seat: Seat) => {
    clearTimeout(seat.timer);
    seat.worker.unref();
    seat.timer = setTimeout(() => leave(seat), IDLE_MILLISECONDS).unref();
  };

  const watch = (seat: Seat) => {
    clearTimeout(seat.timer);
    seat.timer = setTimeout(() => {
      leave(seat, new DeepHealthError('pixel.timeout'));
      assign();
    }, limits.milliseconds);
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
    async run(make, over = () => {}) {
      if (closed) throw new DeepHealthError('pixel.decoder-closed');
      if (waiting.length >= limits.waiting) throw new DeepHealthError('pixel.busy');
      const done = new Promise<Decoded>((resolve, reject) => {
        waiting.push({ make, over, resolve, reject });
      });
      assign();
      return done;
    },

    async close() {
      closed = true;
      for (const task of waiting.splice(0)) task.reject(new DeepHealthError('pixel.decoder-closed'));
      for (const seat of seats) leave(seat, new DeepHealthError('pixel.decoder-closed'));
      await Promise.all(ending);
    },
  };
}
