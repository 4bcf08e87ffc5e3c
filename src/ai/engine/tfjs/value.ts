import type { Tensor } from '@tensorflow/tfjs-core';
import type { Tf } from './backend.ts';

/**
 * What flows along an edge of the graph. Pictures are kept as [batch, row, column, channel], which is the
 * only layout of TensorFlow.js' convolutions. With a `scale` (one for all, or one a channel) the value
 * meant is tensor × scale: `tensor` then holds whole numbers, so that a quantised convolution is summed
 * exactly, as onnxruntime sums it.
 */
export interface Value {
  readonly tensor: Tensor;
  readonly scale: number | Float32Array | null;
}

/** The value as plain numbers. The result is the caller's to dispose. */
export function plain(tf: Tf, value: Value): Tensor {
  const { tensor, scale } = value;
  if (scale === null) return tensor.clone();
  return tf.tidy(() => tf.mul(tensor, typeof scale === 'number' ? scale : tf.tensor1d(scale)));
}

/** The same tensor with another name: what is disposed under one stays alive under the other. */
export function alias(value: Value): Value {
  return { tensor: value.tensor.clone(), scale: value.scale };
}
