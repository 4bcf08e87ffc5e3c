import type { Tensor2D } from '@tensorflow/tfjs-core';
import { startTensorFlow, type Tf } from '../engine/tfjs/backend.ts';
import { type GateNumbers, type GateRule, gateScores } from '../gate.ts';
import { seeded } from '../random.ts';

/** Gate vectors of chest films, row by row, how much of each one's box is film, and its fold (patients apart). */
export interface GateFilms {
  readonly vectors: readonly Float32Array[];
  /** In (0,1]. */
  readonly shown: readonly number[];
  readonly folds: Int8Array;
}

/** Share of own films that each of the two tests may refuse. */
const CHEST_SHARE = 0.006;
const DISTANCE_SHARE = 0.004;
/** The probability of a chest film that is asked for never falls below this, however odd the films. */
const LEAST_CHEST = 0.02;
/** With fewer films than this for each component the spread of films cannot be told from chance. */
const FILMS_A_COMPONENT = 8;
const ROUNDS = 4;
/** More films than this add time to a fit and nothing to 32 directions. */
const MOST_FILMS = 1500;
const LEAST_DEVIATION = 0.02;

/**
 * Fits a gate to a site's own chest films. What tells a chest film from other pictures is kept (there are no
 * other pictures to learn from here), moved into the new standardisation; the films' own spread is fitted
 * anew; both thresholds are set so that hardly any own film is refused, judged by folds that never saw its
 * patient. With too few films the spread stays the base's and the thresholds are only ever relaxed.
 */
export async function fitGate(
  base: GateNumbers,
  rule: GateRule,
  films: GateFilms,
): Promise<{ numbers: GateNumbers; rule: GateRule }> {
  const { vectors, shown, folds } = films;
  const scoresOf = (numbers: GateNumbers, i: number) =>
    gateScores(numbers, rule, vectors[i] as Float32Array, shown[i] as number);
  if (vectors.length < rule.components * FILMS_A_COMPONENT) {
    return {
      numbers: base,
      rule: relaxed(
        rule,
        vectors.map((_, i) => scoresOf(base, i)),
      ),
    };
  }
  const tf = await startTensorFlow();
  const scores = [];
  for (const fold of new Set(folds)) {
    const fitted = await spreadOf(
      tf,
      base,
      rule,
      vectors.filter((_, i) => folds[i] !== fold),
    );
    for (const i of vectors.keys()) {
      if (folds[i] === fold) scores.push(scoresOf(fitted, i));
    }
  }
  const numbers = await spreadOf(tf, base, rule, vectors);
  const distances = scores.map((score) => score.distance).toSorted((a, b) => a - b);
  const maxDistance = distances[Math.ceil(distances.length * (1 - DISTANCE_SHARE)) - 1] ?? rule.maxDistance;
  return { numbers, rule: { ...relaxed(rule, scores), maxDistance: Math.ceil(maxDistance * 1e4) / 1e4 } };
}

/** The rule with thresholds that let own films pass; never stricter than before. */
function relaxed(
  rule: GateRule,
  scores: readonly { kinds: readonly number[]; distance: number }[],
): GateRule {
  const chest = scores.map((score) => score.kinds[0] ?? 0).toSorted((a, b) => a - b);
  const distance = scores.map((score) => score.distance).toSorted((a, b) => a - b);
  const low = chest[Math.floor(chest.length * CHEST_SHARE)] ?? rule.minChest;
  const far = distance[Math.ceil(distance.length * (1 - DISTANCE_SHARE)) - 1] ?? rule.maxDistance;
  return {
    ...rule,
    minChest: Math.min(rule.minChest, Math.max(low * 0.999, LEAST_CHEST)),
    maxDistance: Math.max(rule.maxDistance, Math.ceil(far * 1e4) / 1e4),
  };
}

/** Mean, scale, main directions and the energy outside of them, over the vectors given. */
async function spreadOf(
  tf: Tf,
  base: GateNumbers,
  rule: GateRule,
  films: readonly Float32Array[],
): Promise<GateNumbers> {
  const every = Math.ceil(films.length / MOST_FILMS);
  const vectors = films.filter((_, i) => i % every === 0);
  const length = base.mean.length;
  const mean = new Float64Array(length);
  for (const vector of vectors) {
    for (let k = 0; k < length; k += 1)
      mean[k] = (mean[k] as number) + (vector[k] as number) / vectors.length;
  }
  const squares = new Float64Array(length);
  for (const vector of vectors) {
    for (let k = 0; k < length; k += 1) {
      squares[k] =
        (squares[k] as number) + ((vector[k] as number) - (mean[k] as number)) ** 2 / vectors.length;
    }
  }
  const scale = squares.map((square) => 1 / (Math.sqrt(square) + LEAST_DEVIATION));
  const rows = new Float32Array(vectors.length * length);
  let energy = 0;
  vectors.forEach((vector, i) => {
    for (let k = 0; k < length; k += 1) {
      const z = ((vector[k] as number) - (mean[k] as number)) * (scale[k] as number);
      rows[i * length + k] = z;
      energy += (z * z) / vectors.length;
    }
  });
  const { components, variance } = await mainDirections(tf, rows, vectors.length, length, rule.components);
  const inside = variance.reduce((sum, value) => sum + value, 0);
  return {
    ...movedKinds(base, mean, scale),
    mean: Float32Array.from(mean),
    scale: Float32Array.from(scale),
    components,
    variance,
    residual: Float32Array.of(Math.max(energy - inside, 1e-6)),
  };
}

/** The kind test over vectors standardised anew: the same function of the picture as before. */
function movedKinds(
  base: GateNumbers,
  mean: Float64Array,
  scale: Float64Array,
): Pick<GateNumbers, 'weights' | 'bias'> {
  const length = mean.length;
  const weights = new Float32Array(base.weights.length);
  const bias = Float64Array.from(base.bias);
  for (let kind = 0; kind < bias.length; kind += 1) {
    for (let k = 0; k < length; k += 1) {
      const raw = (base.weights[kind * length + k] as number) * (base.scale[k] as number);
      weights[kind * length + k] = raw / (scale[k] as number);
      bias[kind] = (bias[kind] as number) + raw * ((mean[k] as number) - (base.mean[k] as number));
    }
  }
  return { weights, bias: Float32Array.from(bias) };
}

/**
 * Principal components by subspace iteration (Halko et al. 2011): a few products with the films' matrix
 * instead of a covariance of all features. Deterministic, the start is seeded.
 */
async function mainDirections(tf: Tf, rows: Float32Array, count: number, length: number, wanted: number) {
  const random = seeded(7);
  const width = Math.min(wanted + 10, count);
  const matrix = tf.tensor2d(rows, [count, length]);
  let basis = orthonormal(
    Float32Array.from({ length: width * length }, () => random() - 0.5),
    width,
    length,
  );
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const product = tf.tidy(() => {
        const directions = tf.tensor2d(basis, [width, length]);
        const along = tf.matMul(matrix, directions, false, true) as Tensor2D;
        return tf.div(tf.matMul(along, matrix, true, false), count);
      });
      basis = orthonormal(Float32Array.from(await product.data()), width, length);
      product.dispose();
    }
    const projected = tf.tidy(() => tf.matMul(matrix, tf.tensor2d(basis, [width, length]), false, true));
    const along = Float32Array.from(await projected.data());
    projected.dispose();
    return ranked(basis, along, count, width, length, wanted);
  } finally {
    matrix.dispose();
  }
}

/** Directions by falling variance of the films along them; ROUNDS make them close to the principal ones. */
function ranked(
  basis: Float32Array,
  along: Float32Array,
  count: number,
  width: number,
  length: number,
  wanted: number,
) {
  const variances = Array.from({ length: width }, (_, d) => {
    let sum = 0;
    for (let i = 0; i < count; i += 1) sum += (along[i * width + d] as number) ** 2;
    return sum / Math.max(count - 1, 1);
  });
  const order = [...variances.keys()]
    .toSorted((a, b) => (variances[b] as number) - (variances[a] as number))
    .slice(0, wanted);
  const components = new Float32Array(wanted * length);
  order.forEach((d, place) => {
    components.set(basis.subarray(d * length, (d + 1) * length), place * length);
  });
  return { components, variance: Float32Array.from(order, (d) => Math.max(variances[d] as number, 1e-6)) };
}

/** Rows made orthogonal and of length 1 (modified Gram-Schmidt, twice for accuracy). */
function orthonormal(rows: Float32Array, count: number, length: number): Float32Array {
  const out = Float64Array.from(rows);
  const row = (i: number) => out.subarray(i * length, (i + 1) * length);
  const dot = (a: Float64Array, b: Float64Array) => {
    let sum = 0;
    for (let k = 0; k < length; k += 1) sum += (a[k] as number) * (b[k] as number);
    return sum;
  };
  for (let i = 0; i < count; i += 1) {
    const mine = row(i);
    for (let pass = 0; pass < 2; pass += 1) {
      for (let j = 0; j < i; j += 1) {
        const other = row(j);
        const share = dot(mine, other);
        for (let k = 0; k < length; k += 1) mine[k] = (mine[k] as number) - share * (other[k] as number);
      }
    }
    const size = Math.sqrt(dot(mine, mine)) || 1;
    for (let k = 0; k < length; k += 1) mine[k] = (mine[k] as number) / size;
  }
  return Float32Array.from(out);
}
