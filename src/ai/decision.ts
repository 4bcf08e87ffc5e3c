import type { Remark } from '../dicom/film/film.ts';
import type { Label, Probabilities, Reading } from './reading.ts';

/** Thresholds of a model, chosen on scores it was not trained on. */
export interface Thresholds {
  /** From this P(pneumonia) on pneumonia is `present`. */
  readonly present: number;
  /** Up to this P(pneumonia) it is `absent`; between the two the model abstains. */
  readonly absent: number;
  /** How far bacterial and viral must be apart, as |2c - 1| with c = bacterial / (bacterial + viral). */
  readonly typeMargin: number;
}

export type Decision = Pick<Reading, 'label' | 'pneumonia' | 'abstained'>;

const UNCERTAIN: Remark = {
  code: 'uncertain',
  message: 'The model cannot tell whether there is pneumonia: its probability is between the two thresholds.',
};
const TYPE_UNDETERMINED: Remark = {
  code: 'type-undetermined',
  message: 'The model finds signs of pneumonia but cannot tell bacterial from viral.',
};

/** P(pneumonia) = 1 - P(normal). */
function pneumoniaOf(probabilities: Probabilities): number {
  return 1 - probabilities.normal;
}

/** The stronger one of the two pneumonia classes. */
export function strongestPneumonia(probabilities: Probabilities): Label {
  return probabilities['viral-pneumonia'] > probabilities['bacterial-pneumonia']
    ? 'viral-pneumonia'
    : 'bacterial-pneumonia';
}

/** From probabilities to what is said (standards 1.3.2), before quality and population have their word. */
export function decide(probabilities: Probabilities, thresholds: Thresholds): Decision {
  const pneumonia = pneumoniaOf(probabilities);
  if (pneumonia < thresholds.present) {
    return pneumonia <= thresholds.absent
      ? { label: 'normal', pneumonia: 'absent', abstained: null }
      : { label: null, pneumonia: 'undetermined', abstained: UNCERTAIN };
  }
  const bacterial = probabilities['bacterial-pneumonia'];
  const share = bacterial / (bacterial + probabilities['viral-pneumonia']);
  if (Math.abs(2 * share - 1) < thresholds.typeMargin) {
    return { label: null, pneumonia: 'present', abstained: TYPE_UNDETERMINED };
  }
  return { label: strongestPneumonia(probabilities), pneumonia: 'present', abstained: null };
}

/** The site's choice for triage, a regulated function: off unless switched on. */
export interface TriageOptions {
  readonly enabled: boolean;
  /** P(pneumonia) from which a film with pneumonia is category 2 (hours) instead of 3 (days). */
  readonly category2From: number;
}

/** Triage category of a decision (standards 1.3.3); category 1 is never given. */
export function triageOf(
  decision: Decision,
  probabilities: Probabilities,
  options: TriageOptions | undefined,
): Reading['triage'] {
  if (!options?.enabled) return 'off';
  if (decision.pneumonia === 'undetermined') return 'abstained';
  if (decision.pneumonia === 'absent') return 'none';
  return pneumoniaOf(probabilities) >= options.category2From ? 'category-2' : 'category-3';
}
