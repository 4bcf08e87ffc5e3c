import { LABELS, type Label, type Probabilities } from './reading.ts';

/** The retrained layer: `weights` [labels, features] row-major, `bias` [labels], in the order of `labels`. */
export interface Head {
  readonly labels: readonly Label[];
  readonly features: number;
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** logits[c] = W[c]·features + b[c], summed in double precision in a fixed order. */
export function logitsOf(head: Head, features: Float32Array): Float64Array {
  const logits = new Float64Array(head.labels.length);
  for (let c = 0; c < logits.length; c += 1) {
    const row = c * head.features;
    let sum = head.bias[c] as number;
    for (let k = 0; k < head.features; k += 1) {
      sum += (head.weights[row + k] as number) * (features[k] as number);
    }
    logits[c] = sum;
  }
  return logits;
}

/** Softmax of logits / temperature. */
export function softmax(logits: ArrayLike<number>, temperature = 1): number[] {
  const scaled = Array.from(logits, (logit) => logit / temperature);
  const highest = Math.max(...scaled);
  const powers = scaled.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Calibrated probabilities by label. */
export function probabilitiesOf(head: Head, logits: ArrayLike<number>, temperature: number): Probabilities {
  const shares = softmax(logits, temperature);
  return Object.fromEntries(
    LABELS.map((label) => [label, shares[head.labels.indexOf(label)] ?? 0]),
  ) as Record<Label, number>;
}
