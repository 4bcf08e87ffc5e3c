import { seeded } from '../random.ts';
import { GRID, onGrid, precisionRecallCurve, rocCurve } from './curves.ts';
import { type Measures, measure } from './measures.ts';
import type { Scores } from './scores.ts';

/** 95 % confidence interval. */
export type Interval = readonly [number, number];

/** Figures that get an interval, by their name in `Measures`; classes as `class.figure`. */
export type Intervals = Readonly<Record<string, Interval>>;

export interface Band {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export interface Bootstrap {
  readonly resamples: number;
  readonly intervals: Intervals;
  /** Pointwise bands on GRID. */
  readonly roc: Band;
  readonly precisionRecall: Band;
}

/**
 * Percentile bootstrap over patients (Efron 1979; films of one person are not independent): whole patients
 * are drawn with replacement, as many as there are, and every figure is counted anew.
 */
export function bootstrap(
  scores: Scores,
  thresholds: { readonly present: number; readonly absent: number },
  options: { readonly resamples?: number; readonly seed?: number } = {},
): Bootstrap {
  const { resamples = 1000, seed = 1 } = options;
  const drawn = new Map<string, number[]>();
  const roc: Float64Array[] = [];
  const precisionRecall: Float64Array[] = [];
  for (const weights of patientDraws(scores, { resamples, seed })) {
    for (const [name, value] of flattened(measure(scores, thresholds, weights))) {
      const values = drawn.get(name);
      if (values === undefined) drawn.set(name, [value]);
      else values.push(value);
    }
    roc.push(onGrid(rocCurve(scores, weights), 'up-to'));
    precisionRecall.push(onGrid(precisionRecallCurve(scores, weights), 'from'));
  }
  return {
    resamples,
    intervals: Object.fromEntries([...drawn].map(([name, values]) => [name, intervalOf(values)])),
    roc: band(roc),
    precisionRecall: band(precisionRecall),
  };
}

/**
 * Draws patients with replacement, as many as there are, `resamples` times: how often each film was drawn. The
 * array is the same each time.
 */
export function* patientDraws(
  scores: Pick<Scores, 'films' | 'patients'>,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): Generator<Uint16Array> {
  const random = seeded(seed);
  const weights = new Uint16Array(scores.films);
  for (let n = 0; n < resamples; n += 1) {
    weights.fill(0);
    for (let k = 0; k < scores.patients.length; k += 1) {
      for (const film of scores.patients[Math.floor(random() * scores.patients.length)] ?? []) {
        weights[film] = (weights[film] as number) + 1;
      }
    }
    yield weights;
  }
}

/** Every figure that is there, with its name. */
function flattened(measures: Measures): [string, number][] {
  const found: [string, number][] = [];
  for (const [name, value] of Object.entries(measures)) {
    if (typeof value === 'number') found.push([name, value]);
  }
  for (const [label, one] of Object.entries(measures.classes)) {
    for (const figure of ['sensitivity', 'specificity', 'precision'] as const) {
      const value = one[figure];
      if (value !== null) found.push([`${label}.${figure}`, value]);
    }
  }
  return found;
}

function band(curves: readonly Float64Array[]): Band {
  const at = (g: number) => intervalOf(curves.map((curve) => curve[g] as number));
  const pairs = GRID.map((_, g) => at(g));
  return { low: pairs.map(([low]) => low), high: pairs.map(([, high]) => high) };
}

/** The middle 95 % of what was drawn. */
export function intervalOf(values: readonly number[]): Interval {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return [at(0.025), at(0.975)];
}
