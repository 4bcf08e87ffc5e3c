import type { Tensor2D } from '@tensorflow/tfjs-core';
import { startTensorFlow, type Tf } from '../engine/tfjs/backend.ts';
import type { Head } from '../head.ts';

/** Features and classes of the films, row by row; classes in the order of the head's labels. */
export interface TrainingSet {
  readonly features: Float32Array;
  readonly classes: Uint8Array;
}

/** One epoch as it is drawn: class-balanced cross-entropy and accuracy. */
export interface Epoch {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
}

export interface TrainedHead {
  readonly head: Head;
  readonly epochs: readonly Epoch[];
  /** Epoch of the lowest validation loss; the head is that epoch's. 0: the head it began with. */
  readonly bestEpoch: number;
}

export interface TrainOptions {
  /** Rows to train on, and to validate on (empty: none, the last epoch is kept). */
  readonly train: Int32Array;
  readonly validation: Int32Array;
  /** The head to begin with, towards which the new one is drawn. */
  readonly base: Head;
  readonly epochs: number;
  readonly signal?: AbortSignal;
}

const RATE = 0.002;
/**
 * Pull towards the base head on weights of standardised features, as if this many films spoke for the base:
 * it weakens as films grow in number. Of 0.5 to 260 the best cross-entropy of held-out films (871 films).
 */
const PULL_FILMS = 26;
const PULL_BOUNDS = [0.002, 2] as const;
const PATIENCE = 40;
/** Features that hardly vary must not be blown up by standardising. */
const LEAST_DEVIATION = 0.02;

/**
 * Trains the last layer on bottlenecks with TensorFlow.js: softmax regression on standardised features, all
 * classes of equal weight, full batches, Adam, early stopping on the validation loss. It starts from the
 * base's head and a quadratic penalty pulls it back there (L2-SP, Li et al. 2018), so that a few films
 * change little. The same films give the same head.
 * @throws an AbortError when `signal` says so
 */
export async function trainHead(set: TrainingSet, options: TrainOptions): Promise<TrainedHead> {
  const tf = await startTensorFlow();
  const { base, train, validation } = options;
  const standard = standardOf(set.features, base.features, train);
  const start = intoStandard(base, standard);
  const scope: Tensor2D[] = [];
  const hold = <T extends Tensor2D>(tensor: T): T => {
    scope.push(tensor);
    return tensor;
  };
  const batch = (rows: Int32Array) => ({
    x: hold(tf.tensor2d(rowsOf(set.features, base.features, rows, standard), [rows.length, base.features])),
    y: hold(oneHot(tf, set.classes, rows, base.labels.length)),
    w: hold(balance(tf, set.classes, rows, base.labels.length)),
  });
  const optimiser = tf.train.adam(RATE);
  const weights = tf.variable(tf.tensor2d(start.weights, [base.features, base.labels.length]));
  const bias = tf.variable(tf.tensor2d(start.bias, [1, base.labels.length]));
  const anchor = hold(tf.tensor2d(start.weights, [base.features, base.labels.length]));
  const pull = Math.min(Math.max(PULL_FILMS / train.length, PULL_BOUNDS[0]), PULL_BOUNDS[1]);
  const epochs: Epoch[] = [];
  let best = { epoch: 0, loss: Number.POSITIVE_INFINITY, weights: start.weights, bias: start.bias };
  try {
    const learn = batch(train);
    const check = validation.length > 0 ? batch(validation) : undefined;
    for (let epoch = 0; epoch <= options.epochs; epoch += 1) {
      options.signal?.throwIfAborted();
      const [trainLoss, trainAccuracy] = await judged(tf, learn, weights, bias);
      const [loss, accuracy] = check === undefined ? [null, null] : await judged(tf, check, weights, bias);
      epochs.push({ epoch, trainLoss, trainAccuracy, validationLoss: loss, validationAccuracy: accuracy });
      if (loss === null ? epoch === options.epochs : loss < best.loss - 1e-5) {
        best = {
          epoch,
          loss: loss ?? 0,
          weights: Float32Array.from(await weights.data()),
          bias: Float32Array.from(await bias.data()),
        };
      }
      if (epoch === options.epochs || (check !== undefined && epoch - best.epoch >= PATIENCE)) break;
      step(tf, pull, learn, weights, bias, anchor, optimiser);
    }
  } finally {
    tf.dispose([weights, bias, ...scope]);
    optimiser.dispose();
  }
  return { head: outOfStandard(best, base, standard), epochs, bestEpoch: best.epoch };
}

interface Batch {
  readonly x: Tensor2D;
  /** One row a film, 1 at its class. */
  readonly y: Tensor2D;
  /** Weight of each film; they add up to 1. */
  readonly w: Tensor2D;
}

type Optimiser = ReturnType<Tf['train']['adam']>;
type Matrix = import('@tensorflow/tfjs-core').Variable<import('@tensorflow/tfjs-core').Rank.R2>;

/** One step along the gradient of the weighted cross-entropy and the pull towards the base. */
function step(
  tf: Tf,
  pullStrength: number,
  { x, y, w }: Batch,
  weights: Matrix,
  bias: Matrix,
  anchor: Tensor2D,
  optimiser: Optimiser,
): void {
  const gradients = tf.tidy(() => {
    const wrong = tf.mul(tf.sub(tf.softmax(tf.add(tf.matMul(x, weights), bias)), y), w) as Tensor2D;
    const pull = tf.mul(tf.sub(weights, anchor), 2 * pullStrength);
    return {
      weights: tf.add(tf.matMul(x, wrong, true, false), pull),
      bias: tf.sum(wrong, 0, true),
    };
  });
  optimiser.applyGradients([
    { name: weights.name, tensor: gradients.weights },
    { name: bias.name, tensor: gradients.bias },
  ]);
  tf.dispose(gradients);
}

/** Class-balanced cross-entropy and plain accuracy. */
async function judged(tf: Tf, { x, y, w }: Batch, weights: Matrix, bias: Matrix): Promise<[number, number]> {
  const figures = tf.tidy(() => {
    const shares = tf.softmax(tf.add(tf.matMul(x, weights), bias)) as Tensor2D;
    const given = tf.sum(tf.mul(shares, y), 1, true);
    const loss = tf.neg(tf.sum(tf.mul(tf.log(tf.add(given, 1e-12)), w)));
    const right = tf.mean(tf.cast(tf.greaterEqual(given, tf.max(shares, 1, true)), 'float32'));
    return tf.stack([tf.reshape(loss, []), tf.reshape(right, [])]);
  });
  const [loss = 0, accuracy = 0] = await figures.data();
  figures.dispose();
  return [loss, accuracy];
}

interface Standard {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

function standardOf(features: Float32Array, width: number, rows: Int32Array): Standard {
  const mean = new Float64Array(width);
  const squares = new Float64Array(width);
  for (const row of rows) {
    for (let k = 0; k < width; k += 1) {
      const value = features[row * width + k] as number;
      mean[k] = (mean[k] as number) + value / rows.length;
      squares[k] = (squares[k] as number) + (value * value) / rows.length;
    }
  }
  const deviation = squares.map(
    (square, k) => Math.sqrt(Math.max(0, square - (mean[k] as number) ** 2)) + LEAST_DEVIATION,
  );
  return { mean, deviation };
}

function rowsOf(
  features: Float32Array,
  width: number,
  rows: Int32Array,
  { mean, deviation }: Standard,
): Float32Array {
  const chosen = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    for (let k = 0; k < width; k += 1) {
      const value = features[row * width + k] as number;
      chosen[i * width + k] = (value - (mean[k] as number)) / (deviation[k] as number);
    }
  });
  return chosen;
}

function oneHot(tf: Tf, classes: Uint8Array, rows: Int32Array, count: number): Tensor2D {
  const values = new Float32Array(rows.length * count);
  rows.forEach((row, i) => {
    values[i * count + (classes[row] as number)] = 1;
  });
  return tf.tensor2d(values, [rows.length, count]);
}

/** Weights with which every class counts the same. */
function balance(tf: Tf, classes: Uint8Array, rows: Int32Array, count: number): Tensor2D {
  const films = new Float64Array(count);
  for (const row of rows) films[classes[row] as number] = (films[classes[row] as number] as number) + 1;
  const there = films.filter((own) => own > 0).length;
  const values = Float32Array.from(rows, (row) => 1 / ((films[classes[row] as number] as number) * there));
  return tf.tensor2d(values, [rows.length, 1]);
}

/** A head as weights [features, labels] over standardised features. */
function intoStandard(
  head: Head,
  { mean, deviation }: Standard,
): { weights: Float32Array; bias: Float32Array } {
  const labels = head.labels.length;
  const weights = new Float32Array(head.weights.length);
  const bias = Float64Array.from(head.bias);
  for (let c = 0; c < labels; c += 1) {
    for (let k = 0; k < head.features; k += 1) {
      const weight = head.weights[c * head.features + k] as number;
      weights[k * labels + c] = weight * (deviation[k] as number);
      bias[c] = (bias[c] as number) + weight * (mean[k] as number);
    }
  }
  return { weights, bias: Float32Array.from(bias) };
}

function outOfStandard(
  trained: { weights: Float32Array; bias: Float32Array },
  { labels, features }: Head,
  { mean, deviation }: Standard,
): Head {
  const weights = new Float32Array(trained.weights.length);
  const bias = Float64Array.from(trained.bias);
  for (let c = 0; c < labels.length; c += 1) {
    for (let k = 0; k < features; k += 1) {
      const weight = (trained.weights[k * labels.length + c] as number) / (deviation[k] as number);
      weights[c * features + k] = weight;
      bias[c] = (bias[c] as number) - weight * (mean[k] as number);
    }
  }
  return { labels, features, weights, bias: Float32Array.from(bias) };
}
