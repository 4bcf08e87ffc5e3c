/** Contrast of a tensor after normalisation. */
export interface ContrastRule {
  /** Mean and standard deviation that the tensor gets. */
  readonly mean: number;
  readonly deviation: number;
  /** Deviations below this are taken as this: a blank plate stays blank. */
  readonly minDeviation: number;
}

/**
 * Brings values of 0..255 to the rule's mean and standard deviation, cut to [0,1] (float32). The
 * sums are in double precision and in order, so the result is the same on every machine.
 */
export function normalise(values: Float32Array, rule: ContrastRule): Float32Array {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const deviation = Math.max(Math.sqrt(squares / values.length) / 255, rule.minDeviation);
  const gain = rule.deviation / (255 * deviation);
  return values.map((value) => Math.min(1, Math.max(0, rule.mean + (value - mean) * gain)));
}
