import type * as TensorFlow from '@tensorflow/tfjs-core';
import { DeepHealthError } from '../../../errors/error.ts';

/** TensorFlow.js with a backend that is worth using, or an error: never its plain JavaScript fall-back. */
export type Tf = typeof TensorFlow;

let started: Promise<Tf> | undefined;

/**
 * TensorFlow.js, started once a process: the native backend where @tensorflow/tfjs-node is installed (it has
 * no prebuilt binary for current Node, so it is no dependency of ours), else WebAssembly. Threads of the
 * wasm backend do not work in Node and would make it fail over to plain JavaScript without a word, 30 times
 * slower: they are switched off, and the backend that really runs is checked.
 * @throws `engine.unavailable`
 */
export function startTensorFlow(): Promise<Tf> {
  started ??= start().catch((cause: unknown) => {
    started = undefined;
    throw cause;
  });
  return started;
}

async function start(): Promise<Tf> {
  const native = await importNative();
  if (native !== undefined && (await native.setBackend('tensorflow'))) return native;
  try {
    const tf = await import('@tensorflow/tfjs-core');
    await import('@tensorflow/tfjs-backend-wasm');
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    if (!(await tf.setBackend('wasm')) || tf.getBackend() !== 'wasm') {
      throw new Error(`the backend is ${tf.getBackend()}`);
    }
    await tf.ready();
    return tf;
  } catch (cause) {
    throw new DeepHealthError(
      'engine.unavailable',
      'TensorFlow.js does not start: its wasm backend cannot be set.',
      { cause },
    );
  }
}

async function importNative(): Promise<Tf | undefined> {
  const name = '@tensorflow/tfjs-node';
  try {
    return (await import(name)) as Tf;
  } catch {
    return undefined;
  }
}
