import type { Thresholds } from '../decision.ts';
import type { ModelIdentity } from '../reading.ts';
import { type Interval, intervalOf, patientDraws } from './bootstrap.ts';
import { type Measures, measure, type Weights } from './measures.ts';
import { layOutScores, type ScoredFilm } from './scores.ts';

/** A model's scores of some films and the thresholds it decides by. */
export interface Judged {
  readonly films: readonly ScoredFilm[];
  readonly thresholds: Pick<Thresholds, 'present' | 'absent'>;
}

/** A figure of two models on the same films; the interval is that of the difference, `here` less `other`. */
export interface ComparedFigure {
  readonly name: string;
  readonly other: number | null;
  readonly here: number | null;
  readonly difference: number | null;
  readonly interval: Interval | null;
}

export interface Comparison {
  /** The model compared with. */
  readonly with: ModelIdentity;
  readonly figures: readonly ComparedFigure[];
  /** By the log loss: `better` or `worse` where the interval of the difference leaves out 0. */
  readonly verdict: 'better' | 'worse' | 'no-difference-shown';
}

/** Compared figures; the log loss is the mean of -ln of the probability given to what is true. */
const NAMES = [
  'logLoss',
  'accuracy',
  'aucPneumonia',
  'aucType',
  'sensitivity',
  'specificity',
  'ece',
] as const;

/**
 * Compares two models on the same films, film by film in the same order. The bootstrap is paired: both are
 * counted over the same draws of patients, so that what is hard about a patient counts for both.
 */
export function compare(
  here: Judged,
  other: Judged,
  model: ModelIdentity,
  options: { readonly resamples: number; readonly seed: number },
): Comparison {
  const sides = [here, other].map(({ films, thresholds }) => {
    const scores = layOutScores(films);
    const losses = Float64Array.from(films, lossOf);
    return (weights: Weights) => ({
      logLoss: weighted(losses, weights),
      ...measure(scores, thresholds, weights),
    });
  }) as [Side, Side];
  const differences = new Map<string, number[]>(NAMES.map((name) => [name, []]));
  for (const weights of patientDraws(layOutScores(here.films), options)) {
    const [mine, theirs] = [sides[0](weights), sides[1](weights)];
    for (const name of NAMES) {
      const difference = less(mine[name], theirs[name]);
      if (difference !== null) differences.get(name)?.push(difference);
    }
  }
  const ones = new Uint8Array(here.films.length).fill(1);
  const [mine, theirs] = [sides[0](ones), sides[1](ones)];
  const figures = NAMES.map((name): ComparedFigure => {
    const drawn = differences.get(name) ?? [];
    return {
      name,
      other: theirs[name],
      here: mine[name],
      difference: less(mine[name], theirs[name]),
      interval: drawn.length === 0 ? null : intervalOf(drawn),
    };
  });
  const [low, high] = figures[0]?.interval ?? [0, 0];
  return { with: model, figures, verdict: high < 0 ? 'better' : low > 0 ? 'worse' : 'no-difference-shown' };
}

type Side = (weights: Weights) => Measures & { readonly logLoss: number | null };

function lossOf({ truth, probabilities }: ScoredFilm): number {
  const own = truth === 'pneumonia' ? 1 - probabilities.normal : probabilities[truth];
  return -Math.log(own + 1e-12);
}

function weighted(values: Float64Array, weights: Weights): number | null {
  let [sum, total] = [0, 0];
  for (let i = 0; i < values.length; i += 1) {
    sum += (values[i] as number) * (weights[i] as number);
    total += weights[i] as number;
  }
  return total > 0 ? sum / total : null;
}

function less(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}
