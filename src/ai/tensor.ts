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
  // Plain loops: iterators and closures would put every value on the heap, ten megabytes a film.
  const count = values.length;
  let sum = 0;
  for (let i = 0; i < count; i += 1) sum += values[i] as number;
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i += 1) {
    const off = (values[i] as number) - mean;
    squares += off * off;
  }
  const deviation = Math.max(Math.sqrt(squares / count) / 255, rule.minDeviation);
  const gain = rule.deviation / (255 * deviation);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    const value = rule.mean + ((values[i] as number) - mean) * gain;
    out[i] = value < 0 ? 0 : value > 1 ? 1 : value;
  }
  return out;
}
