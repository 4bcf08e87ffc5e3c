import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Tf } from './backend.ts';
import type { Constant, Node } from './graph.ts';
import { alias, plain, type Value } from './value.ts';

/** One node made ready: constants are prepared, what is left is a function of the node's varying inputs. */
export type Step = (inputs: readonly Value[]) => Value;

/** What an operator is built from: its node and, at each input's place, the constant or undefined. */
export interface Site {
  readonly tf: Tf;
  readonly node: Node;
  readonly constants: readonly (FoldedConstant | undefined)[];
  /** Keeps a tensor until the network is closed. */
  readonly hold: <T extends Tensor>(tensor: T) => T;
}

/** A constant with the quantisation that a DequantizeLinear put on it; `scales` is one, or one a slice of `axis`. */
export interface FoldedConstant extends Constant {
  readonly scales: Float32Array | null;
  readonly axis: number;
}

type Operator = (site: Site) => Step;

function ints(node: Node, name: string, otherwise: readonly number[]): readonly number[] {
  return node.ints.get(name) ?? otherwise;
}

function need(site: Site, place: number): FoldedConstant {
  const constant = site.constants[place];
  if (constant === undefined) throw new RangeError(`${site.node.op} needs a constant as input ${place + 1}`);
  return constant;
}

function single(constant: FoldedConstant): number {
  if (constant.values.length !== 1) throw new RangeError('a scale or zero point must be one number here');
  return constant.values[0] as number;
}

/** Constant values with their scales applied. */
function real(constant: FoldedConstant): Float32Array {
  const { values, scales, dims, axis } = constant;
  if (scales === null) return values;
  const inner = dims.slice(axis + 1).reduce((product, side) => product * side, 1);
  return values.map(
    (value, i) => value * (scales[scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length] as number),
  );
}

/** [outputs, inputs, rows, columns] as [rows, columns, inputs, outputs]. */
function kernel(tf: Tf, values: Float32Array, dims: readonly number[]): Tensor4D {
  return tf.tidy(() =>
    tf.transpose(tf.tensor4d(values, dims as [number, number, number, number]), [2, 3, 1, 0]),
  );
}

type Padding = [[number, number], [number, number], [number, number], [number, number]];

function padding(node: Node): Padding {
  if (node.strings.has('auto_pad') && node.strings.get('auto_pad') !== 'NOTSET') {
    throw new RangeError(`${node.op} with automatic padding is not known`);
  }
  const [top = 0, left = 0, bottom = 0, right = 0] = ints(node, 'pads', []);
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

const conv: Operator = (site) => {
  const { tf, node } = site;
  const weights = need(site, 1);
  const bias = site.constants[2];
  if (ints(node, 'group', [1])[0] !== 1 || ints(node, 'dilations', [1, 1]).some((d) => d !== 1)) {
    throw new RangeError('Conv with groups or dilations is not known');
  }
  const strides = ints(node, 'strides', [1, 1]) as [number, number];
  const pad = padding(node);
  const outputs = weights.dims[0] as number;
  const quantised = weights.scales !== null && (weights.scales.length === 1 || weights.axis === 0);
  const filter = site.hold(kernel(tf, quantised ? weights.values : real(weights), weights.dims));
  const realBias = bias === undefined ? new Float32Array(outputs) : real(bias);
  const biasTensor = site.hold(tf.tensor1d(realBias));
  const levels = bias?.scales ? site.hold(tf.tensor1d(bias.values)) : undefined;
  const convolve = (x: Tensor, added?: Tensor) =>
    tf.fused.conv2d({ x: x as Tensor4D, filter, strides, pad, ...(added ? { bias: added } : {}) });

  return ([x]) => {
    if (x === undefined) throw new RangeError('Conv without input');
    if (!quantised) return { tensor: tf.tidy(() => convolve(plain(tf, x), biasTensor)), scale: null };
    const inputScale = x.scale === null ? 1 : x.scale;
    if (typeof inputScale !== 'number') {
      throw new RangeError('a convolution of an input with one scale a channel is not known');
    }
    const scales =
      (weights.scales as Float32Array).length === 1
        ? new Float32Array(outputs).fill((weights.scales as Float32Array)[0] as number)
        : (weights.scales as Float32Array);
    const scale = scales.map((s) => Math.fround(inputScale) * s);
    const sameScale = bias?.scales?.every((s, c) => Math.abs(s - (scale[c] as number)) <= 1e-6 * s) ?? false;
    if (x.scale !== null && levels !== undefined && sameScale)
      return { tensor: convolve(x.tensor, levels), scale };
    return {
      tensor: tf.tidy(() => tf.add(tf.mul(convolve(x.tensor), tf.tensor1d(scale)), biasTensor)),
      scale: null,
    };
  };
};

/**
 * Real numbers to levels and levels to levels, rounded half to even and cut to the type's range. The zero
 * point is taken off at once: levels are kept as differences from it.
 */
const quantizeLinear: Operator = (site) => {
  const { tf } = site;
  const scale = single(need(site, 1));
  const zero = site.constants[2];
  const origin = zero === undefined ? 0 : single(zero);
  const [low, high] = zero?.type === 'int8' ? [-128, 127] : [0, 255];
  return ([x]) => {
    if (x === undefined) throw new RangeError('QuantizeLinear without input');
    const tensor = tf.tidy(() => {
      let ratio: Tensor;
      if (x.scale === null) ratio = tf.div(x.tensor, scale);
      else if (typeof x.scale === 'number') ratio = tf.mul(x.tensor, Math.fround(x.scale / scale));
      else ratio = tf.mul(x.tensor, tf.tensor1d(x.scale.map((s) => s / scale)));
      return tf.clipByValue(tf.round(ratio), low - origin, high - origin);
    });
    return { tensor, scale };
  };
};

/** Our levels already carry their scale, so this is a change of name (the pair must agree, as it does in QDQ files). */
const dequantizeLinear: Operator = (site) => {
  const scale = single(need(site, 1));
  return ([x]) => {
    if (x === undefined || x.scale !== scale)
      throw new RangeError('DequantizeLinear differs from the quantisation before it');
    return alias(x);
  };
};

const relu: Operator =
  ({ tf }) =>
  ([x]) => {
    if (x === undefined) throw new RangeError('Relu without input');
    return { tensor: tf.relu(x.tensor), scale: x.scale };
  };

interface Window {
  readonly size: [number, number];
  readonly strides: [number, number];
  readonly pad: Padding;
}

function windowOf(node: Node): Window {
  if (ints(node, 'ceil_mode', [0])[0] === 1)
    throw new RangeError(`${node.op} that rounds its size up is not known`);
  return {
    size: ints(node, 'kernel_shape', []) as [number, number],
    strides: ints(node, 'strides', [1, 1]) as [number, number],
    pad: padding(node),
  };
}

const padded = (pad: Padding) => pad.some(([before, after]) => before > 0 || after > 0);

const maxPool: Operator = ({ tf, node }) => {
  const { size, strides, pad } = windowOf(node);
  return ([x]) => {
    if (x === undefined) throw new RangeError('MaxPool without input');
    const levels = typeof x.scale === 'number' || x.scale === null;
    const tensor = tf.tidy(() =>
      tf.maxPool((levels ? x.tensor : plain(tf, x)) as Tensor4D, size, strides, padded(pad) ? pad : 'valid'),
    );
    return { tensor, scale: levels ? x.scale : null };
  };
};

const averagePool: Operator = ({ tf, node }) => {
  const { size, strides, pad } = windowOf(node);
  if (padded(pad) && ints(node, 'count_include_pad', [0])[0] === 1) {
    throw new RangeError('AveragePool that counts its padding is not known');
  }
  return ([x]) => {
    if (x === undefined) throw new RangeError('AveragePool without input');
    const tensor = tf.tidy(() => {
      const picture = plain(tf, x) as Tensor4D;
      const unit = strides.every((stride) => stride === 1);
      if (x.scale !== null && unit) return averageInOrder(tf, picture, { size, strides, pad });
      return tf.avgPool(picture, size, strides, padded(pad) ? pad : 'valid');
    });
    return { tensor, scale: null };
  };
};

/**
 * Average of quantised values, summed row by row as onnxruntime sums them. Means of four or six levels fall
 * on halves often, and which way such a half is rounded afterwards hangs on the last bit of this sum.
 */
function averageInOrder(tf: Tf, picture: Tensor4D, { size, pad }: Window): Tensor {
  const wide = tf.pad(picture, pad);
  const [batch, height = 0, width = 0, channels] = wide.shape;
  const rows = height - size[0] + 1;
  const columns = width - size[1] + 1;
  const inside = tf.pad(tf.ones([1, picture.shape[1], picture.shape[2], 1]) as Tensor4D, pad);
  let sum: Tensor | undefined;
  let count: Tensor | undefined;
  for (let y = 0; y < size[0]; y += 1) {
    for (let x = 0; x < size[1]; x += 1) {
      const part = tf.slice(wide, [0, y, x, 0], [batch, rows, columns, channels]);
      const there = tf.slice(inside, [0, y, x, 0], [1, rows, columns, 1]);
      sum = sum === undefined ? part : tf.add(sum, part);
      count = count === undefined ? there : tf.add(count, there);
    }
  }
  if (sum === undefined || count === undefined) throw new RangeError('AveragePool of nothing');
  return tf.div(sum, count);
}

const concat: Operator = ({ tf, node }) => {
  const axis = axisOf(ints(node, 'axis', [1])[0] ?? 1);
  return (inputs) => {
    const [first] = inputs;
    if (first === undefined) throw new RangeError('Concat without input');
    const same = typeof first.scale === 'number' && inputs.every((x) => x.scale === first.scale);
    if (same)
      return {
        tensor: tf.concat(
          inputs.map((x) => x.tensor),
          axis(first.tensor.rank),
        ),
        scale: first.scale,
      };
    return {
      tensor: tf.tidy(() =>
        tf.concat(
          inputs.map((x) => plain(tf, x)),
          axis(first.tensor.rank),
        ),
      ),
      scale: null,
    };
  };
};

/** Axis of an ONNX tensor of a rank, in our layout of pictures. */
function axisOf(axis: number): (rank: number) => number {
  return (rank) => {
    const positive = axis < 0 ? axis + rank : axis;
    return rank === 4 ? ([0, 3, 1, 2][positive] as number) : positive;
  };
}

const mean =
  (spatial: boolean): Operator =>
  ({ tf, node }) => {
    const axes = spatial ? [2, 3] : ints(node, 'axes', []);
    const keep = spatial || ints(node, 'keepdims', [1])[0] === 1;
    return ([x]) => {
      if (x === undefined) throw new RangeError(`${node.op} without input`);
      const rank = x.tensor.rank;
      const places = (axes.length === 0 ? x.tensor.shape.map((_, i) => i) : axes).map((axis) =>
        axisOf(axis)(rank),
      );
      if (typeof x.scale === 'number') return { tensor: tf.mean(x.tensor, places, keep), scale: x.scale };
      return { tensor: tf.tidy(() => tf.mean(plain(tf, x), places, keep)), scale: null };
    };
  };

/** A tensor as ONNX orders it, for operators that look at the order of values. */
export function inOnnxOrder(tf: Tf, tensor: Tensor): Tensor {
  return tensor.rank === 4 ? tf.transpose(tensor, [0, 3, 1, 2]) : tensor.clone();
}

const flatten: Operator = ({ tf, node }) => {
  if ((ints(node, 'axis', [1])[0] ?? 1) !== 1)
    throw new RangeError('Flatten other than to [batch, values] is not known');
  return ([x]) => {
    if (x === undefined) throw new RangeError('Flatten without input');
    return {
      tensor: tf.tidy(() => tf.reshape(inOnnxOrder(tf, plain(tf, x)), [x.tensor.shape[0] as number, -1])),
      scale: null,
    };
  };
};

const reshape: Operator = (site) => {
  const { tf } = site;
  const shape = [...need(site, 1).values];
  if (shape.length !== 2) throw new RangeError('Reshape to other than two dimensions is not known');
  return ([x]) => {
    if (x === undefined) throw new RangeError('Reshape without input');
    const sides = shape.map((side, i) => (side === 0 ? (x.tensor.shape[i] as number) : side));
    return { tensor: tf.tidy(() => tf.reshape(inOnnxOrder(tf, plain(tf, x)), sides)), scale: null };
  };
};

const gemm: Operator = (site) => {
  const { tf, node } = site;
  if (
    (node.floats.get('alpha') ?? 1) !== 1 ||
    (node.floats.get('beta') ?? 1) !== 1 ||
    ints(node, 'transA', [0])[0] === 1
  ) {
    throw new RangeError('Gemm with factors is not known');
  }
  const weights = need(site, 1);
  const matrix = site.hold(tf.tensor2d(real(weights), weights.dims as [number, number]));
  const transposed = ints(node, 'transB', [0])[0] === 1;
  const bias = site.constants[2];
  const added = site.hold(bias === undefined ? tf.scalar(0) : tf.tensor1d(real(bias)));
  return ([x]) => {
    if (x === undefined) throw new RangeError('Gemm without input');
    return {
      tensor: tf.tidy(() => tf.add(tf.matMul(plain(tf, x) as Tensor2D, matrix, false, transposed), added)),
      scale: null,
    };
  };
};

const arithmetic =
  (kind: 'add' | 'sub' | 'mul'): Operator =>
  (site) => {
    const { tf, node } = site;
    const fixed = site.constants.map((constant) =>
      constant === undefined ? undefined : site.hold(broadcast(tf, node.op, constant)),
    );
    return (inputs) => {
      const varying = [...inputs];
      const tensor = tf.tidy(() => {
        const [a, b] = [0, 1].map((place) => {
          const constant = fixed[place];
          const value = constant === undefined ? varying.shift() : undefined;
          if (constant === undefined && value === undefined) throw new RangeError(`${node.op} without input`);
          return value === undefined ? (constant as Tensor) : plain(tf, value);
        }) as [Tensor, Tensor];
        return tf[kind](a, b);
      });
      return { tensor, scale: null };
    };
  };

function broadcast(tf: Tf, op: string, constant: FoldedConstant): Tensor {
  const values = real(constant);
  if (values.length === 1) return tf.scalar(values[0] as number);
  const { dims } = constant;
  if (dims.length === 4) {
    return tf.tidy(() =>
      tf.transpose(tf.tensor4d(values, dims as [number, number, number, number]), [0, 2, 3, 1]),
    );
  }
  if (dims.length === 3 && dims[1] === 1 && dims[2] === 1) return tf.tensor1d(values);
  if (dims.length <= 2) return tf.tensor(values, [...dims]);
  throw new RangeError(`${op} with a constant of the shape ${dims.join('×')} is not known`);
}

const clip: Operator = (site) => {
  const { tf, node } = site;
  const low =
    site.constants[1] === undefined ? (node.floats.get('min') ?? -Infinity) : single(site.constants[1]);
  const high =
    site.constants[2] === undefined ? (node.floats.get('max') ?? Infinity) : single(site.constants[2]);
  return ([x]) => {
    if (x === undefined) throw new RangeError('Clip without input');
    return { tensor: tf.tidy(() => tf.clipByValue(plain(tf, x), low, high)), scale: null };
  };
};

const sigmoid: Operator =
  ({ tf }) =>
  ([x]) => {
    if (x === undefined) throw new RangeError('Sigmoid without input');
    return { tensor: tf.tidy(() => tf.sigmoid(plain(tf, x))), scale: null };
  };

/** The operators of ONNX (opset 13) that a model's networks may use. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Conv: conv,
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  Relu: relu,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: mean(true),
  ReduceMean: mean(false),
  Concat: concat,
  Flatten: flatten,
  Reshape: reshape,
  Gemm: gemm,
  Add: arithmetic('add'),
  Sub: arithmetic('sub'),
  Mul: arithmetic('mul'),
  Clip: clip,
  Sigmoid: sigmoid,
};
