import { DeepHealthError } from '../../errors/error.ts';
import { seeded, shuffled } from '../random.ts';
import { LABELS, type Label } from '../reading.ts';

/** What a split has to know of a film. */
export interface Grouped {
  readonly truth: Label;
  readonly patient: string;
}

const FOLDS = 5;
const FEWEST_PATIENTS = 3;

/**
 * Sorts films into folds, all films of a patient into one, classes as even as they get: patients with most
 * films first, each to the fold that has the least of what the patient brings. Gives the fold of each film.
 * Folds are five, or as many as the rarest class has patients.
 * @throws `retrain.class-without-films`, `retrain.too-few-patients`
 */
export function patientFolds(films: readonly Grouped[], seed: number): { folds: number; of: Int8Array } {
  const patients = new Map<string, number[]>();
  films.forEach((film, i) => {
    patients.set(film.patient, [...(patients.get(film.patient) ?? []), i]);
  });
  const patientsOf = (label: Label) =>
    [...patients.values()].filter((own) => own.some((i) => films[i]?.truth === label)).length;
  const counts = LABELS.map(patientsOf);
  const empty = LABELS.filter((_, c) => counts[c] === 0);
  if (empty.length > 0) {
    throw new DeepHealthError(
      'retrain.class-without-films',
      `No film could be read of the class ${empty.join(' and ')}.`,
    );
  }
  const few = LABELS.filter((_, c) => (counts[c] ?? 0) < FEWEST_PATIENTS);
  if (few.length > 0) {
    throw new DeepHealthError(
      'retrain.too-few-patients',
      `There are films of fewer than ${FEWEST_PATIENTS} patients in the class ${few.join(' and ')}; films of one patient are never split between training and validation.`,
    );
  }
  const folds = Math.min(FOLDS, ...counts);
  const totals = LABELS.map((label) => films.filter((film) => film.truth === label).length);
  const filled = Array.from({ length: folds }, () => LABELS.map(() => 0));
  const of = new Int8Array(films.length);
  const order = shuffled([...patients.keys()].toSorted(), seeded(seed)).toSorted(
    (a, b) => (patients.get(b)?.length ?? 0) - (patients.get(a)?.length ?? 0),
  );
  for (const patient of order) {
    const own = patients.get(patient) ?? [];
    const brings = LABELS.map((label) => own.filter((i) => films[i]?.truth === label).length);
    const load = (fold: number[]) =>
      brings.reduce((sum, count, c) => sum + (count * (fold[c] ?? 0)) / (totals[c] ?? 1), 0);
    const loads = filled.map(load);
    const fold = loads.indexOf(Math.min(...loads));
    for (const i of own) of[i] = fold;
    filled[fold] = (filled[fold] ?? []).map((count, c) => count + (brings[c] ?? 0));
  }
  return { folds, of };
}
