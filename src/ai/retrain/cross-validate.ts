import { type Head, logitsOf } from '../head.ts';
import { type Progress, pace } from '../progress.ts';
import { LABELS } from '../reading.ts';
import type { HeldOutScores } from './calibrate.ts';
import type { TrainingFilm } from './collect.ts';
import { patientFolds } from './split.ts';
import { type Epoch, trainHead } from './train-head.ts';

/** Heads trained on the folds, what they say of films that they did not see, and the head to ship. */
export interface CrossValidated {
  readonly folds: number;
  /** Fold of each film. */
  readonly of: Int8Array;
  /** Head of each fold, trained on the other folds. */
  readonly heads: readonly Head[];
  /** In the order of LABELS. */
  readonly heldOut: HeldOutScores;
  readonly epochs: readonly (readonly Epoch[])[];
  /** The median of the folds' best epochs, for which the shipped head was trained on all films. */
  readonly chosenEpoch: number;
  readonly head: Head;
}

const MOST_EPOCHS = 400;
const SEED = 1;

/**
 * Patient-wise cross-validation and the final head.
 * @throws `retrain.class-without-films`, `retrain.too-few-patients`; an AbortError when `signal` says so
 */
export async function crossValidate(
  films: readonly TrainingFilm[],
  base: Head,
  options: {
    readonly onProgress?: ((progress: Progress) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<CrossValidated> {
  const { folds, of } = patientFolds(films, SEED);
  const features = new Float32Array(films.length * base.features);
  films.forEach(({ bottleneck }, i) => {
    features.set(bottleneck.features, i * base.features);
  });
  const set = { features, classes: Uint8Array.from(films, (film) => base.labels.indexOf(film.truth)) };
  const rows = (wanted: (fold: number) => boolean) =>
    Int32Array.from([...films.keys()].filter((i) => wanted(of[i] as number)));
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const tell = pace('training', folds + 1, options.onProgress);
  const heads: Head[] = [];
  const epochs: (readonly Epoch[])[] = [];
  const best: number[] = [];
  for (let fold = 0; fold < folds; fold += 1) {
    const trained = await trainHead(set, {
      train: rows((other) => other !== fold),
      validation: rows((own) => own === fold),
      base,
      epochs: MOST_EPOCHS,
      ...signal,
    });
    heads.push(trained.head);
    epochs.push(trained.epochs);
    best.push(trained.bestEpoch);
    tell(1);
  }
  const chosenEpoch = best.toSorted((a, b) => a - b)[Math.floor(best.length / 2)] ?? 0;
  const final = await trainHead(set, {
    train: rows(() => true),
    validation: new Int32Array(),
    base,
    epochs: chosenEpoch,
    ...signal,
  });
  tell(1);
  const order = LABELS.map((label) => base.labels.indexOf(label));
  const logits = films.map(({ bottleneck }, i) => {
    const own = logitsOf(heads[of[i] as number] as Head, bottleneck.features);
    return Float64Array.from(order, (c) => own[c] as number);
  });
  const classes = Uint8Array.from(films, (film) => LABELS.indexOf(film.truth));
  return { folds, of, heads, heldOut: { logits, classes }, epochs, chosenEpoch, head: final.head };
}
