import { DeepHealthError } from '../../errors/error.ts';
import { processors } from '../../machine/processors.ts';

export const ENGINES = ['onnx', 'tfjs'] as const;
export type EngineName = (typeof ENGINES)[number];

/** More passes at once than this only take memory. */
export const MOST_LANES = 8;

/** An ONNX file and what this program expects of it; shapes leave out the leading batch dimension. */
export interface NetworkFile<Output extends string> {
  /** Its bytes, or what gives them anew each time: then whoever asks may give them away, and none stay in memory. */
  readonly bytes: Uint8Array | (() => Promise<Uint8Array>);
  readonly input: { readonly name: string; readonly shape: readonly number[] };
  readonly outputs: Readonly<Record<Output, { readonly shape: readonly number[] }>>;
  /** So small that a pass takes less than a way to another thread: it is computed where it is called. */
  readonly inPlace?: boolean;
}

/** The bytes of a file, read where they are not in memory. Throws what reading throws. */
export async function bytesOf({ bytes }: Pick<NetworkFile<string>, 'bytes'>): Promise<Uint8Array> {
  return typeof bytes === 'function' ? bytes() : bytes;
}

export interface EngineOptions {
  /** `onnx` (default): onnxruntime. `tfjs`: TensorFlow.js, native where tfjs-node is installed, else wasm. */
  readonly engine?: EngineName;
  /** Threads in all (onnxruntime only); 0 or absent: all cores. A lone pass has them all, unless `many`. */
  readonly threads?: number;
  /** Passes at once at most (onnxruntime only), which share the threads; absent: one a thread, up to 8. */
  readonly lanes?: number;
  /**
   * Films come one after the other without a pause (onnxruntime only): every lane is opened at once and has its share
   * of the threads, since no pass is ever alone.
   */
  readonly many?: boolean;
  /**
   * Films a pass at most: more costs memory and gains little. Default 8; one where there is one thread, for which
   * films one after the other are quicker.
   */
  readonly batch?: number;
}

/** A network ready to run. */
export interface Network<Output extends string> {
  /** The engine and what it computes with, for logs and `timings` (`onnxruntime cpu`, `tfjs wasm`). */
  readonly backend: string;
  /** How many calls of `run` may be under way at once; the caller keeps to it. */
  readonly lanes: number;
  /**
   * @param inputs `count` inputs one after the other, row-major
   * @returns each output, `count` times its shape
   * @throws `engine.failed`
   */
  run(inputs: Float32Array, count: number): Promise<Record<Output, Float32Array>>;
  close(): Promise<void>;
}

/**
 * Opens an ONNX file with the wanted engine. Engines are imported when first asked for: they are large, and
 * most commands do without.
 * @throws `model.network` when the file is no network that the engine can run or has other inputs or
 * outputs; `engine.unavailable` when the engine itself does not start
 */
export async function openNetwork<Output extends string>(
  file: NetworkFile<Output>,
  options: EngineOptions = {},
): Promise<Network<Output>> {
  const open =
    options.engine === 'tfjs'
      ? (await import('./tfjs/network.ts')).openTfjs
      : (await import('./onnx.ts')).openOnnx;
  const network = await open(file, options);
  const lone = options.engine !== 'tfjs' && (options.threads || processors()) === 1;
  return inBatches(network, file, options.batch ?? (lone ? 1 : 8));
}

/** Splits long runs into passes of at most `batch` inputs and checks the lengths. */
function inBatches<Output extends string>(
  network: Network<Output>,
  file: NetworkFile<Output>,
  batch: number,
): Network<Output> {
  const names = Object.keys(file.outputs) as Output[];
  const each = sizeOf(file.input.shape);
  return {
    backend: network.backend,
    lanes: network.lanes,
    close: () => network.close(),
    async run(inputs, count) {
      if (inputs.length !== count * each) {
        throw new DeepHealthError(
          'engine.failed',
          `The network was given ${inputs.length} values for ${count} inputs of ${each}.`,
        );
      }
      if (count <= batch) {
        const all = await network.run(inputs, count);
        for (const name of names) checkLength(name, all[name], count * sizeOf(file.outputs[name].shape));
        return all;
      }
      const whole = Object.fromEntries(
        names.map((name) => [name, new Float32Array(count * sizeOf(file.outputs[name].shape))]),
      ) as Record<Output, Float32Array>;
      for (let at = 0; at < count; at += batch) {
        const some = Math.min(batch, count - at);
        const part = await network.run(inputs.subarray(at * each, (at + some) * each), some);
        for (const name of names) {
          const length = sizeOf(file.outputs[name].shape);
          checkLength(name, part[name], some * length);
          whole[name].set(part[name], at * length);
        }
      }
      return whole;
    },
  };
}

/** @throws DeepHealthError `model.network` when an output has not so many values. */
export function checkLength(name: string, values: ArrayLike<number> | undefined, length: number): void {
  if (values?.length === length) return;
  throw new DeepHealthError(
    'model.network',
    `Output ${name} of the network has another shape than it should: ${values?.length ?? 0} values instead of ${length}.`,
  );
}

/** Values of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
