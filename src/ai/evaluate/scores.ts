import type { Truth } from '../films/truth.ts';
import { LABELS, type Probabilities } from '../reading.ts';

/** What is counted of one film. */
export interface ScoredFilm {
  readonly truth: Truth;
  /** Keeps films of one person together; any string. */
  readonly patient: string;
  readonly probabilities: Probabilities;
}

/**
 * Films laid out for counting many times over. Classes are numbers in the order of LABELS; a pneumonia of
 * unknown type is -1 and counts only where present is told from absent.
 */
export interface Scores {
  readonly films: number;
  readonly truth: Int8Array;
  /** 1 where there is pneumonia. */
  readonly positive: Uint8Array;
  /** P(pneumonia). */
  readonly score: Float64Array;
  /** Bacterial share of the pneumonia probability. */
  readonly type: Float64Array;
  /** The strongest class, and its probability. */
  readonly strongest: Int8Array;
  readonly confidence: Float64Array;
  /** Films of each patient. */
  readonly patients: readonly (readonly number[])[];
  /** Film indices by falling `score`, and those of known type with pneumonia by falling `type`. */
  readonly byScore: Int32Array;
  readonly byType: Int32Array;
}

export function layOutScores(films: readonly ScoredFilm[]): Scores {
  const groups = new Map<string, number[]>();
  const score = new Float64Array(films.length);
  const type = new Float64Array(films.length);
  const truth = new Int8Array(films.length);
  const strongest = new Int8Array(films.length);
  const confidence = new Float64Array(films.length);
  films.forEach((film, i) => {
    const shares = LABELS.map((label) => film.probabilities[label]);
    const [normal = 0, bacterial = 0, viral = 0] = shares;
    truth[i] = film.truth === 'pneumonia' ? -1 : LABELS.indexOf(film.truth);
    score[i] = 1 - normal;
    type[i] = bacterial / (bacterial + viral || 1);
    confidence[i] = Math.max(...shares);
    strongest[i] = shares.indexOf(confidence[i] as number);
    groups.set(film.patient, [...(groups.get(film.patient) ?? []), i]);
  });
  const all = Array.from(films.keys());
  const falling = (values: Float64Array, chosen: number[]) =>
    Int32Array.from(chosen.toSorted((a, b) => (values[b] as number) - (values[a] as number) || a - b));
  return {
    films: films.length,
    truth,
    positive: Uint8Array.from(truth, (value) => (value === 0 ? 0 : 1)),
    score,
    type,
    strongest,
    confidence,
    patients: [...groups.values()],
    byScore: falling(score, all),
    byType: falling(
      type,
      all.filter((i) => (truth[i] as number) > 0),
    ),
  };
}
