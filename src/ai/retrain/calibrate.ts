import type { Thresholds } from '../decision.ts';
import { softmax } from '../head.ts';
import { LABELS } from '../reading.ts';

/** Scores of films by heads that never saw their patients; classes in the order of LABELS. */
export interface HeldOutScores {
  readonly logits: readonly Float64Array[];
  readonly classes: Uint8Array;
}

export interface Calibration extends Thresholds {
  readonly temperature: number;
}

/** Sensitivities that the two thresholds keep on held-out films. */
const PRESENT_SENSITIVITY = 0.975;
const ABSENT_SENSITIVITY = 0.99;
/** Share of the films with pneumonia whose type is left open. */
const TYPE_SHARE = 0.05;
/** Thresholds are kept off the ends, where few films decide about them. */
const BOUNDS = [0.02, 0.98] as const;

/**
 * Temperature by least cross-entropy (Guo et al. 2017), then thresholds on the calibrated scores: `present`
 * is the highest that keeps a sensitivity of 97.5 %, `absent` the highest that keeps 99 %, and the type is
 * left open for the twentieth of the pneumonias whose type is least clear.
 */
export function calibrate(scores: HeldOutScores): Calibration {
  const temperature = rounded(fitTemperature(scores));
  const shares = scores.logits.map((logits) => softmax(logits, temperature));
  const sick = shares.filter((_, i) => (scores.classes[i] as number) > 0);
  const pneumonia = sick.map(([normal = 0]) => 1 - normal).toSorted((a, b) => a - b);
  const at = (sensitivity: number) => {
    const value = pneumonia[Math.floor(pneumonia.length * (1 - sensitivity))] ?? 0.5;
    return Math.min(Math.max(value - 5e-5, BOUNDS[0]), BOUNDS[1]);
  };
  const margins = sick
    .map(([, bacterial = 0, viral = 0]) => Math.abs((2 * bacterial) / (bacterial + viral || 1) - 1))
    .toSorted((a, b) => a - b);
  const present = rounded(at(PRESENT_SENSITIVITY));
  return {
    temperature,
    present,
    absent: Math.min(present, rounded(at(ABSENT_SENSITIVITY))),
    typeMargin: rounded(margins[Math.floor(margins.length * TYPE_SHARE)] ?? 0),
  };
}

/** Mean cross-entropy of the true class. */
export function crossEntropy({ logits, classes }: HeldOutScores, temperature: number): number {
  const sum = logits.reduce(
    (total, row, i) => total - Math.log((softmax(row, temperature)[classes[i] as number] ?? 0) + 1e-12),
    0,
  );
  return sum / logits.length;
}

/** Golden-section search over the logarithm of the temperature. */
function fitTemperature(scores: HeldOutScores): number {
  if (scores.logits.length < LABELS.length * 2) return 1;
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [-1.5, 1.5];
  while (high - low > 1e-4) {
    const [left, right] = [high - golden * (high - low), low + golden * (high - low)];
    if (crossEntropy(scores, Math.exp(left)) < crossEntropy(scores, Math.exp(right))) high = right;
    else low = left;
  }
  return Math.exp((low + high) / 2);
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
