import { setImmediate } from 'node:timers/promises';
import type { Rank, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { startTensorFlow, type Tf } from '../engine/tfjs/backend.ts';
import type { Head } from '../head.ts';

/** Features and classes of the films, row by row; classes in the order of the head's labels. */
export interface TrainingSet {
  readonly features: Float32Array;
  readonly classes: Uint8Array;
}

/** Rows of a training set that a head is trained on, and rows that it is validated on (may be empty). */
export interface Split {
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** One epoch as it is drawn: class-balanced cross-entropy and accuracy. */
export interface Epoch {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
}

export interface TrainedHeads {
  /** A head for each split, all of the epoch that was kept. */
  readonly heads: readonly Head[];
  /** Epochs of each split. */
  readonly epochs: readonly (readonly Epoch[])[];
  /**
   * The epoch with the lowest validation loss, mean over the splits that have validation rows (the last epoch
   * where none has). 0: the head it began with.
   */
  readonly chosenEpoch: number;
}

export interface TrainOptions {
  readonly splits: readonly Split[];
  /** The head to begin with, towards which the new ones are drawn. */
  readonly base: Head;
  /** Most epochs. */
  readonly epochs: number;
  readonly onEpoch?: ((epoch: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const RATE = 0.002;
/**
 * Pull towards the base head on weights of standardised features, as if this many films spoke for the base:
 * it weakens as films grow in number. Of 0.5 to 260 the best cross-entropy of held-out films (871 films).
 */
const PULL_FILMS = 26;
const PULL_BOUNDS = [0.002, 2] as const;
const PATIENCE = 40;
/** A validation loss must fall by this to count as lower. */
const GAIN = 1e-5;
/** Features that hardly vary must not be blown up by standardising. */
const LEAST_DEVIATION = 0.02;

/**
 * Trains the last layer on bottlenecks with TensorFlow.js: softmax regression on standardised features, all
 * classes of equal weight, full batches, Adam, early stopping on the mean validation loss. It starts from the
 * base's head and a quadratic penalty pulls it back there (L2-SP, Li et al. 2018), so that a few films
 * change little. The same films give the same heads.
 *
 * The heads of all splits are columns of one matrix and are trained side by side: the films' matrix, which is
 * what fills the memory bus, passes by twice an epoch instead of three times for each head. It is held in both
 * orientations, since the WebAssembly kernels multiply by a transposed matrix six to thirty-five times slower.
 * About 16 KiB of memory a film.
 * @throws an AbortError when `signal` says so
 */
export async function trainHeads(set: TrainingSet, options: TrainOptions): Promise<TrainedHeads> {
  const tf = await startTensorFlow();
  const { base, splits } = options;
  const labels = base.labels.length;
  const columns = splits.length * labels;
  const films = set.classes.length;
  const overall = standardOf(set.features, base.features, Int32Array.from(set.classes.keys()));
  const standards = splits.map(({ train }) => standardOf(set.features, base.features, train));
  const start = standards.map((standard) => intoStandard(base, standard));
  const judges = splits.map((split) => judgeOf(split, set.classes, labels));
  const held: Tensor2D[] = [];
  const hold = (values: Float32Array, rows: number, across: number): Tensor2D => {
    const tensor = tf.tensor2d(values, [rows, across]);
    held.push(tensor);
    return tensor;
  };
  const x = hold(standardised(set.features, base.features, overall), films, base.features);
  const transposed = tf.transpose(x);
  held.push(transposed);
  const problem: Problem = {
    x,
    transposed,
    labels,
    // A split's own standardisation, on top of the common one.
    scale: hold(
      beside(
        standards,
        base.features,
        labels,
        ({ deviation }, k) => at(overall.deviation, k) / at(deviation, k),
      ),
      base.features,
      columns,
    ),
    shift: hold(
      beside(
        standards,
        base.features,
        labels,
        ({ mean, deviation }, k) => (at(overall.mean, k) - at(mean, k)) / at(deviation, k),
      ),
      base.features,
      columns,
    ),
    truth: hold(oneHot(set.classes, labels, splits.length), films, columns),
    share: hold(
      beside(judges, films, labels, ({ trainShare }, film) => at(trainShare, film)),
      films,
      columns,
    ),
    anchor: hold(
      beside(start, base.features, labels, ({ weights }, k, c) => at(weights, k * labels + c)),
      base.features,
      columns,
    ),
    pull: hold(
      beside(splits, 1, labels, ({ train }) => 2 * pullOf(train.length)),
      1,
      columns,
    ),
  };
  const weights = tf.variable(problem.anchor);
  const bias = tf.variable(
    tf.tensor2d(
      beside(start, 1, labels, (one, _, c) => at(one.bias, c)),
      [1, columns],
    ),
  );
  const optimiser = tf.train.adam(RATE);
  const epochs: Epoch[][] = splits.map(() => []);
  const validated = splits.some(({ validation }) => validation.length > 0);
  let best = {
    epoch: 0,
    loss: Number.POSITIVE_INFINITY,
    weights: await weights.data(),
    bias: await bias.data(),
  };
  try {
    for (let epoch = 0; epoch <= options.epochs; epoch += 1) {
      // Its operations never wait for anything: without a turn of the event loop no signal would be heard.
      await setImmediate();
      options.signal?.throwIfAborted();
      const probabilities = probabilitiesOf(tf, problem, weights, bias);
      try {
        const said = await probabilities.data();
        for (const [s, judge] of judges.entries()) {
          epochs[s]?.push({ epoch, ...judge.judge(said, columns, s * labels) });
        }
        const loss = meanValidationLoss(epochs.map((own) => own[epoch] as Epoch));
        if (validated ? loss < best.loss - GAIN : epoch === options.epochs) {
          best = { epoch, loss, weights: await weights.data(), bias: await bias.data() };
        }
        options.onEpoch?.(epoch);
        if (validated && epoch - best.epoch >= PATIENCE) break;
        if (epoch < options.epochs) step(tf, problem, probabilities, weights, bias, optimiser);
      } finally {
        probabilities.dispose();
      }
    }
  } finally {
    tf.dispose([weights, bias, ...held]);
    optimiser.dispose();
  }
  const heads = standards.map((standard, s) => outOfStandard(best, base, standard, s * labels, columns));
  return { heads, epochs, chosenEpoch: best.epoch };
}

/** All that does not change while the heads are trained; columns are labels of the first split, of the second … */
interface Problem {
  /** [films, features], standardised over all films. */
  readonly x: Tensor2D;
  /** [features, films] */
  readonly transposed: Tensor2D;
  readonly labels: number;
  /** [features, columns]: from the common standardisation to each split's own, z = x · scale + shift. */
  readonly scale: Tensor2D;
  readonly shift: Tensor2D;
  /** [films, columns]: 1 at a film's class. */
  readonly truth: Tensor2D;
  /** [films, columns]: weight of each film in each split; 0 where it is not trained on. */
  readonly share: Tensor2D;
  /** [features, columns]: the base's weights. */
  readonly anchor: Tensor2D;
  /** [1, columns]: twice the strength of the pull. */
  readonly pull: Tensor2D;
}

type Matrix = Variable<Rank.R2>;

/** Softmax of each split's labels, for all films: [films, columns]. */
function probabilitiesOf(
  tf: Tf,
  { x, labels, scale, shift }: Problem,
  weights: Matrix,
  bias: Matrix,
): Tensor2D {
  return tf.tidy(() => {
    const offset = tf.add(bias, tf.sum(tf.mul(weights, shift), 0, true));
    const logits = tf.add(tf.matMul(x, tf.mul(weights, scale)), offset);
    return tf.reshape(tf.softmax(tf.reshape(logits, [-1, labels])), logits.shape as [number, number]);
  });
}

/** One step along the gradient of the weighted cross-entropy and the pull towards the base. */
function step(
  tf: Tf,
  { transposed, scale, shift, truth, share, anchor, pull }: Problem,
  probabilities: Tensor2D,
  weights: Matrix,
  bias: Matrix,
  optimiser: ReturnType<Tf['train']['adam']>,
): void {
  const gradients = tf.tidy(() => {
    const wrong = tf.mul(tf.sub(probabilities, truth), share) as Tensor2D;
    const total = tf.sum(wrong, 0, true);
    const cross = tf.add(tf.mul(tf.matMul(transposed, wrong), scale), tf.mul(shift, total));
    return { weights: tf.add(cross, tf.mul(tf.sub(weights, anchor), pull)), bias: total };
  });
  optimiser.applyGradients([
    { name: weights.name, tensor: gradients.weights },
    { name: bias.name, tensor: gradients.bias },
  ]);
  tf.dispose(gradients);
}

function pullOf(films: number): number {
  return Math.min(Math.max(PULL_FILMS / films, PULL_BOUNDS[0]), PULL_BOUNDS[1]);
}

/** Counts how a split's head does, from the probabilities of all heads. */
interface Judge {
  /** Weight of each film in the training loss; 0 where the split does not train on it. */
  readonly trainShare: Float64Array;
  judge(said: ArrayLike<number>, columns: number, first: number): Omit<Epoch, 'epoch'>;
}

function judgeOf({ train, validation }: Split, classes: Uint8Array, labels: number): Judge {
  const over = (
    rows: Int32Array,
    shares: Float64Array,
    said: ArrayLike<number>,
    columns: number,
    first: number,
  ) => {
    let [loss, right] = [0, 0];
    for (const row of rows) {
      const from = row * columns + first;
      const given = at(said, from + at(classes, row));
      loss -= Math.log(given + 1e-12) * at(shares, row);
      let others = 0;
      for (let c = 0; c < labels; c += 1) others = Math.max(others, at(said, from + c));
      if (given >= others) right += 1;
    }
    return [loss, right / rows.length] as const;
  };
  const trainShare = balance(classes, train, labels);
  const validationShare = balance(classes, validation, labels);
  return {
    trainShare,
    judge(said, columns, first) {
      const [trainLoss, trainAccuracy] = over(train, trainShare, said, columns, first);
      const [validationLoss, validationAccuracy] =
        validation.length === 0 ? [null, null] : over(validation, validationShare, said, columns, first);
      return { trainLoss, trainAccuracy, validationLoss, validationAccuracy };
    },
  };
}

function meanValidationLoss(epochs: readonly Epoch[]): number {
  const losses = epochs.map((epoch) => epoch.validationLoss).filter((loss) => loss !== null);
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** Weights of films, by row, with which every class of `rows` counts the same; they add up to 1. */
function balance(classes: Uint8Array, rows: Int32Array, labels: number): Float64Array {
  const films = new Float64Array(labels);
  for (const row of rows) films[at(classes, row)] = at(films, at(classes, row)) + 1;
  const there = films.filter((own) => own > 0).length;
  const shares = new Float64Array(classes.length);
  for (const row of rows) shares[row] = 1 / (at(films, at(classes, row)) * there);
  return shares;
}

/** A matrix [rows, parts · labels] of what each part has for a row and a label. */
function beside<Part>(
  parts: readonly Part[],
  rows: number,
  labels: number,
  value: (part: Part, row: number, label: number) => number,
): Float32Array {
  const columns = parts.length * labels;
  const values = new Float32Array(rows * columns);
  parts.forEach((part, p) => {
    for (let row = 0; row < rows; row += 1) {
      for (let c = 0; c < labels; c += 1) values[row * columns + p * labels + c] = value(part, row, c);
    }
  });
  return values;
}

function oneHot(classes: Uint8Array, labels: number, copies: number): Float32Array {
  const values = new Float32Array(classes.length * labels * copies);
  classes.forEach((own, film) => {
    for (let copy = 0; copy < copies; copy += 1) values[(film * copies + copy) * labels + own] = 1;
  });
  return values;
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
      const value = at(features, row * width + k);
      mean[k] = at(mean, k) + value / rows.length;
      squares[k] = at(squares, k) + (value * value) / rows.length;
    }
  }
  const deviation = squares.map(
    (square, k) => Math.sqrt(Math.max(0, square - at(mean, k) ** 2)) + LEAST_DEVIATION,
  );
  return { mean, deviation };
}

function standardised(features: Float32Array, width: number, { mean, deviation }: Standard): Float32Array {
  return features.map((value, i) => (value - at(mean, i % width)) / at(deviation, i % width));
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
      const weight = at(head.weights, c * head.features + k);
      weights[k * labels + c] = weight * at(deviation, k);
      bias[c] = at(bias, c) + weight * at(mean, k);
    }
  }
  return { weights, bias: Float32Array.from(bias) };
}

/** The head in the columns from `first` on, over features as they are. */
function outOfStandard(
  trained: { readonly weights: ArrayLike<number>; readonly bias: ArrayLike<number> },
  { labels, features }: Head,
  { mean, deviation }: Standard,
  first: number,
  columns: number,
): Head {
  const weights = new Float32Array(labels.length * features);
  const bias = Float64Array.from(labels, (_, c) => at(trained.bias, first + c));
  for (let c = 0; c < labels.length; c += 1) {
    for (let k = 0; k < features; k += 1) {
      const weight = at(trained.weights, k * columns + first + c) / at(deviation, k);
      weights[c * features + k] = weight;
      bias[c] = at(bias, c) - weight * at(mean, k);
    }
  }
  return { labels, features, weights, bias: Float32Array.from(bias) };
}

function at(values: ArrayLike<number>, i: number): number {
  return values[i] as number;
}
