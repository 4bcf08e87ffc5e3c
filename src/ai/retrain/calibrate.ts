import type { Thresholds } from '../decision.ts';
import { type Head, softmax } from '../head.ts';
import { LABELS, type Probabilities } from '../reading.ts';

/** Scores of films by heads that never saw their patients; classes in the order of LABELS. */
export interface HeldOutScores {
  readonly logits: readonly Float64Array[];
  readonly classes: Uint8Array;
}

/** What makes probabilities of logits: softmax(logits / temperature + bias), bias in the order of LABELS. */
export interface Rescaling {
  readonly temperature: number;
  readonly bias: readonly number[];
}

export interface Calibration extends Rescaling, Thresholds {
  /** Each film's probabilities, rescaled by what was fitted on the other folds. */
  readonly probabilities: readonly Probabilities[];
}

/** Sensitivities that the two thresholds keep on held-out films. */
const PRESENT_SENSITIVITY = 0.975;
const ABSENT_SENSITIVITY = 0.99;
/** Share of the films with pneumonia whose type is left open. */
const TYPE_SHARE = 0.05;
/** Thresholds are kept off the ends, where few films decide about them. */
const BOUNDS = [0.02, 0.98] as const;
/** How far a few films may move the scale (around 1) and the biases (around 0): deviations of normal priors. */
const PRIOR = { scale: 0.5, bias: 1 } as const;
const LEAST_SCALE = 0.05;
const STEPS = 50;

/**
 * Temperature and class biases by least cross-entropy (bias-corrected temperature scaling, Alexandari et al.
 * 2020): the head was trained with all classes of the same weight, probabilities are to hold at the shares that
 * the classes have among the films. Then thresholds: `present` is the highest that keeps a sensitivity of
 * 97.5 %, `absent` the highest that keeps 99 %, and the type is left open for the twentieth of the pneumonias
 * whose type is least clear. Thresholds and all that is reported go by probabilities rescaled across the folds,
 * so that no film helps to calibrate itself.
 * @param folds fold of each film
 */
export function calibrate(scores: HeldOutScores, folds: Int8Array): Calibration {
  const probabilities = new Array<Probabilities>(scores.logits.length);
  for (const fold of new Set(folds)) {
    const fitted = rescalingOf(subset(scores, (i) => folds[i] !== fold));
    scores.logits.forEach((logits, i) => {
      if (folds[i] === fold) probabilities[i] = rescaled(logits, fitted);
    });
  }
  const sick = probabilities.filter((_, i) => (scores.classes[i] as number) > 0);
  const pneumonia = sick.map(({ normal }) => 1 - normal).toSorted((a, b) => a - b);
  const at = (sensitivity: number) => {
    const value = pneumonia[Math.floor(pneumonia.length * (1 - sensitivity))] ?? 0.5;
    return Math.min(Math.max(value - 5e-5, BOUNDS[0]), BOUNDS[1]);
  };
  const margins = sick
    .map(({ 'bacterial-pneumonia': bacterial, 'viral-pneumonia': viral }) =>
      Math.abs((2 * bacterial) / (bacterial + viral || 1) - 1),
    )
    .toSorted((a, b) => a - b);
  const present = rounded(at(PRESENT_SENSITIVITY));
  return {
    ...rescalingOf(scores),
    probabilities,
    present,
    absent: Math.min(present, rounded(at(ABSENT_SENSITIVITY))),
    typeMargin: rounded(margins[Math.floor(margins.length * TYPE_SHARE)] ?? 0),
  };
}

/** The head whose logits, divided by the temperature, hold the biases; labels may have another order. */
export function withBias(head: Head, { temperature, bias }: Rescaling): Head {
  const own = head.labels.map(
    (label, c) => (head.bias[c] as number) + temperature * (bias[LABELS.indexOf(label)] ?? 0),
  );
  return { ...head, bias: Float32Array.from(own) };
}

/** Probabilities of logits in the order of LABELS. */
export function rescaled(logits: ArrayLike<number>, { temperature, bias }: Rescaling): Probabilities {
  const [normal = 0, bacterial = 0, viral = 0] = softmax(
    Array.from(logits, (logit, c) => logit / temperature + (bias[c] ?? 0)),
  );
  return { normal, 'bacterial-pneumonia': bacterial, 'viral-pneumonia': viral };
}

/**
 * The rescaling with the least cross-entropy: convex in 1 / temperature and the biases (the first is 0), found by
 * Newton's method with steps halved until the loss falls.
 */
export function rescalingOf(scores: HeldOutScores): Rescaling {
  let [at, here] = [[1, 0, 0], lossAt(scores, [1, 0, 0])];
  for (let n = 0; n < STEPS; n += 1) {
    const move = solved(here.curvature, here.gradient);
    let share = 1;
    let next = here;
    let to = at;
    do {
      to = at.map((value, k) => value - share * (move[k] as number));
      to[0] = Math.max(to[0] as number, LEAST_SCALE);
      next = lossAt(scores, to);
      share /= 2;
    } while (next.loss > here.loss && share > 1e-6);
    const gained = here.loss - next.loss;
    if (gained > 0) [at, here] = [to, next];
    if (gained < 1e-12) break;
  }
  const [scale = 1, bacterial = 0, viral = 0] = at;
  return { temperature: rounded(1 / scale), bias: [0, rounded(bacterial), rounded(viral)] };
}

/** Mean cross-entropy and the pull of the priors at [scale, bias, bias], with its derivatives. */
function lossAt({ logits, classes }: HeldOutScores, [scale = 1, ...biases]: readonly number[]) {
  let loss = 0;
  const gradient = [0, 0, 0];
  const curvature = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  const films = logits.length;
  logits.forEach((row, i) => {
    const own = classes[i] as number;
    const shares = softmax(LABELS.map((_, c) => scale * (row[c] as number) + (biases[c - 1] ?? 0)));
    loss -= Math.log((shares[own] ?? 0) + 1e-300) / films;
    // How each label's logit moves with the three parameters.
    const slopes = LABELS.map((_, c) => [row[c] as number, c === 1 ? 1 : 0, c === 2 ? 1 : 0]);
    const mean = [0, 1, 2].map((k) =>
      slopes.reduce((sum, slope, c) => sum + (shares[c] ?? 0) * (slope[k] ?? 0), 0),
    );
    for (let k = 0; k < 3; k += 1) {
      gradient[k] = (gradient[k] ?? 0) + ((mean[k] ?? 0) - (slopes[own]?.[k] ?? 0)) / films;
      for (let j = 0; j < 3; j += 1) {
        const product = slopes.reduce(
          (sum, slope, c) => sum + (shares[c] ?? 0) * (slope[k] ?? 0) * (slope[j] ?? 0),
          0,
        );
        const line = curvature[k] as number[];
        line[j] = (line[j] ?? 0) + (product - (mean[k] ?? 0) * (mean[j] ?? 0)) / films;
      }
    }
  });
  [scale - 1, ...biases].forEach((away, k) => {
    const strength = 1 / ((k === 0 ? PRIOR.scale : PRIOR.bias) ** 2 * Math.max(films, 1));
    loss += (strength * away * away) / 2;
    gradient[k] = (gradient[k] ?? 0) + strength * away;
    const line = curvature[k] as number[];
    line[k] = (line[k] ?? 0) + strength;
  });
  return { loss, gradient, curvature };
}

/** Solves three equations by Cramer's rule; the matrix is positive definite. */
function solved(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const determinant = (rows: readonly (readonly number[])[]) => {
    const [[a = 0, b = 0, c = 0] = [], [d = 0, e = 0, f = 0] = [], [g = 0, h = 0, i = 0] = []] = rows;
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  };
  const whole = determinant(matrix);
  return right.map(
    (_, k) =>
      determinant(matrix.map((row, r) => row.map((value, c) => (c === k ? (right[r] ?? 0) : value)))) / whole,
  );
}

/** Mean cross-entropy of the true class at a temperature. */
export function crossEntropy({ logits, classes }: HeldOutScores, temperature: number): number {
  const sum = logits.reduce(
    (total, row, i) => total - Math.log((softmax(row, temperature)[classes[i] as number] ?? 0) + 1e-12),
    0,
  );
  return sum / logits.length;
}

function subset({ logits, classes }: HeldOutScores, wanted: (film: number) => boolean): HeldOutScores {
  return { logits: logits.filter((_, i) => wanted(i)), classes: classes.filter((_, i) => wanted(i)) };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
