import { type Head, logitsOf } from '../head.ts';
import { type Progress, pace } from '../progress.ts';
import { LABELS } from '../reading.ts';
import type { HeldOutScores } from './calibrate.ts';
import type { TrainingFilm } from './collect.ts';
import { patientFolds } from './split.ts';
import { type Epoch, trainHeads } from './train-head.ts';

/** Heads trained on the folds, what they say of films that they did not see, and the head to ship. */
export interface CrossValidated {
  readonly folds: number;
  /** Fold of each film. */
  readonly of: Int8Array;
  /** Head of each fold, trained on the other folds. */
  readonly heads: readonly Head[];
  /** In the order of LABELS. */
  readonly heldOut: HeldOutScores;
  /** What the base's own head says of the same films; in the order of LABELS. */
  readonly baseLogits: readonly Float64Array[];
  readonly epochs: readonly (readonly Epoch[])[];
  /** For how many epochs all heads, the one that ships included, were trained: the best mean over the folds. */
  readonly chosenEpoch: number;
  readonly head: Head;
}

const MOST_EPOCHS = 400;
const SEED = 1;

/**
 * Patient-wise cross-validation and the final head, all of them trained side by side.
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
  const all = { train: rows(() => true), validation: new Int32Array() };
  const splits = Array.from({ length: folds }, (_, fold) => ({
    train: rows((other) => other !== fold),
    validation: rows((own) => own === fold),
  }));
  const tell = pace('training', MOST_EPOCHS + 1, options.onProgress);
  const { heads, epochs, chosenEpoch } = await trainHeads(set, {
    splits: [...splits, all],
    base,
    epochs: MOST_EPOCHS,
    signal: options.signal,
    onEpoch: () => tell(1),
  });
  const ran = epochs[0]?.length ?? 0;
  // Stopped early: the rest will not be needed.
  if (ran <= MOST_EPOCHS) tell(MOST_EPOCHS + 1 - ran, true);
  const classes = Uint8Array.from(films, (film) => LABELS.indexOf(film.truth));
  const logitsBy = (headOf: (film: number) => Head) =>
    films.map(({ bottleneck }, i) => inOrder(headOf(i), bottleneck.features));
  return {
    folds,
    of,
    heads: heads.slice(0, folds),
    heldOut: { logits: logitsBy((i) => heads[of[i] as number] as Head), classes },
    baseLogits: logitsBy(() => base),
    epochs: epochs.slice(0, folds),
    chosenEpoch,
    head: heads[folds] as Head,
  };
}

/** Logits in the order of LABELS. */
function inOrder(head: Head, features: Float32Array): Float64Array {
  const logits = logitsOf(head, features);
  return Float64Array.from(LABELS, (label) => logits[head.labels.indexOf(label)] as number);
}
