import { LABELS, type Label } from '../reading.ts';
import type { Scores } from './scores.ts';

/** Weight of each film in a count: 1, or how often its patient was drawn by the bootstrap. */
export type Weights = ArrayLike<number>;

/** One class against the other two, by the strongest class. */
export interface ClassMeasures {
  readonly films: number;
  readonly sensitivity: number | null;
  readonly specificity: number | null;
  readonly precision: number | null;
}

/** Figures of a set of films; null where the films that it takes are missing. */
export interface Measures {
  /** Share of films whose strongest class is the true one (films of known class). */
  readonly accuracy: number | null;
  readonly balancedAccuracy: number | null;
  readonly classes: Readonly<Record<Label, ClassMeasures>>;
  /** Pneumonia is called from the model's threshold `present` on. */
  readonly sensitivity: number | null;
  readonly specificity: number | null;
  readonly positivePredictive: number | null;
  readonly negativePredictive: number | null;
  /** Share of films between the thresholds. */
  readonly undetermined: number | null;
  readonly aucPneumonia: number | null;
  /** Bacterial against viral, among films with pneumonia of known type. */
  readonly aucType: number | null;
  /** Expected calibration error of the strongest class's probability, 15 bins of equal width. */
  readonly ece: number | null;
  /** The same of P(pneumonia). */
  readonly ecePneumonia: number | null;
}

const CALIBRATION_BINS = 15;

/** Counts films by true class (rows) and strongest class (columns), in the order of LABELS. */
export function confusionOf(scores: Scores, weights: Weights): number[][] {
  const table = LABELS.map(() => LABELS.map(() => 0));
  for (let i = 0; i < scores.films; i += 1) {
    const row = table[scores.truth[i] as number];
    const column = scores.strongest[i] as number;
    if (row !== undefined) row[column] = (row[column] ?? 0) + (weights[i] as number);
  }
  return table;
}

/** All figures of a set. */
export function measure(
  scores: Scores,
  thresholds: { readonly present: number; readonly absent: number },
  weights: Weights = new Uint8Array(scores.films).fill(1),
): Measures {
  const confusion = confusionOf(scores, weights);
  const rows = confusion.map(sum);
  const total = sum(rows);
  const hits = confusion.map((row, c) => row[c] ?? 0);
  const classes = LABELS.map((_, c): ClassMeasures => {
    const called = sum(confusion.map((row) => row[c] ?? 0));
    const [own = 0, hit = 0] = [rows[c], hits[c]];
    return {
      films: own,
      sensitivity: ratio(hit, own),
      specificity: ratio(total - own - (called - hit), total - own),
      precision: ratio(hit, called),
    };
  });
  const recalls = classes.map((one) => one.sensitivity).filter((value) => value !== null);
  return {
    accuracy: ratio(sum(hits), total),
    balancedAccuracy: recalls.length === 0 ? null : sum(recalls) / recalls.length,
    classes: Object.fromEntries(LABELS.map((label, c) => [label, classes[c]])) as Record<
      Label,
      ClassMeasures
    >,
    ...atThresholds(scores, thresholds, weights),
    aucPneumonia: areaUnderCurve(scores.byScore, scores.score, (i) => scores.positive[i] === 1, weights),
    aucType: areaUnderCurve(scores.byType, scores.type, (i) => scores.truth[i] === 1, weights),
    ece: calibrationError(topBins(scores, weights)),
    ecePneumonia: calibrationError(pneumoniaBins(scores, weights)),
  };
}

function atThresholds(
  scores: Scores,
  { present, absent }: { present: number; absent: number },
  weights: Weights,
) {
  let [truePositive, falsePositive, positive, negative, between] = [0, 0, 0, 0, 0];
  for (let i = 0; i < scores.films; i += 1) {
    const weight = weights[i] as number;
    const score = scores.score[i] as number;
    const called = score >= present;
    if (scores.positive[i] === 1) {
      positive += weight;
      if (called) truePositive += weight;
    } else {
      negative += weight;
      if (called) falsePositive += weight;
    }
    if (!called && score > absent) between += weight;
  }
  return {
    sensitivity: ratio(truePositive, positive),
    specificity: ratio(negative - falsePositive, negative),
    positivePredictive: ratio(truePositive, truePositive + falsePositive),
    negativePredictive: ratio(negative - falsePositive, negative - falsePositive + positive - truePositive),
    undetermined: ratio(between, positive + negative),
  };
}

/** Area under the ROC curve: the chance that a positive film scores above a negative one, ties counting half. */
function areaUnderCurve(
  order: Int32Array,
  values: Float64Array,
  isPositive: (film: number) => boolean,
  weights: Weights,
): number | null {
  let [positives, negatives, area] = [0, 0, 0];
  let [tiedPositives, tiedNegatives] = [0, 0];
  let last = Number.NaN;
  const close = () => {
    area += tiedNegatives * (positives + tiedPositives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
    tiedPositives = 0;
    tiedNegatives = 0;
  };
  for (const film of order) {
    const value = values[film] as number;
    if (value !== last) close();
    last = value;
    if (isPositive(film)) tiedPositives += weights[film] as number;
    else tiedNegatives += weights[film] as number;
  }
  close();
  return ratio(area, positives * negatives);
}

/** A bin of a reliability diagram. */
export interface CalibrationBin {
  readonly weight: number;
  /** Mean probability said, and share in which it was so. */
  readonly said: number;
  readonly found: number;
}

/** Bins of the strongest class's probability, over films of known class. */
export function topBins(scores: Scores, weights: Weights): CalibrationBin[] {
  return binned(scores, weights, (i) =>
    (scores.truth[i] as number) < 0
      ? undefined
      : [scores.confidence[i] as number, scores.strongest[i] === scores.truth[i] ? 1 : 0],
  );
}

/** Bins of P(pneumonia), over all films. */
export function pneumoniaBins(scores: Scores, weights: Weights): CalibrationBin[] {
  return binned(scores, weights, (i) => [scores.score[i] as number, scores.positive[i] as number]);
}

function binned(
  scores: Scores,
  weights: Weights,
  pair: (film: number) => readonly [number, number] | undefined,
): CalibrationBin[] {
  const weight = new Float64Array(CALIBRATION_BINS);
  const said = new Float64Array(CALIBRATION_BINS);
  const found = new Float64Array(CALIBRATION_BINS);
  for (let i = 0; i < scores.films; i += 1) {
    const values = pair(i);
    if (values === undefined) continue;
    const bin = Math.min(Math.floor(values[0] * CALIBRATION_BINS), CALIBRATION_BINS - 1);
    const share = weights[i] as number;
    weight[bin] = (weight[bin] as number) + share;
    said[bin] = (said[bin] as number) + share * values[0];
    found[bin] = (found[bin] as number) + share * values[1];
  }
  return Array.from(weight, (total, bin) => ({
    weight: total,
    said: total === 0 ? 0 : (said[bin] as number) / total,
    found: total === 0 ? 0 : (found[bin] as number) / total,
  }));
}

/** Mean distance between what was said and what was found, weighted by the bins (Naeini et al. 2015). */
function calibrationError(bins: readonly CalibrationBin[]): number | null {
  const total = sum(bins.map((bin) => bin.weight));
  return ratio(sum(bins.map((bin) => bin.weight * Math.abs(bin.said - bin.found))), total);
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
