import { LABELS, type Label, type Probabilities, type Reading } from '../../ai/reading.ts';
import { percentOf, tenthsOf } from '../../ai/tenths.js';
import { DeepHealthError } from '../../errors/error.ts';
import type { Remark } from '../film/film.ts';
import { type Code, LABEL_FINDINGS, SCT } from './codes.ts';

/** What a reading says, in the terms of a report; SR and ORU are made from this one view of it. */
export interface Findings {
  /** The coded finding, or null when the model abstains. */
  readonly finding: Code | null;
  /** Likelihood of the finding in percent with one decimal; null exactly when there is no finding. */
  readonly certainty: string | null;
  /** Percent with one decimal; together exactly 100.0. */
  readonly percents: Readonly<Record<Label, string>>;
  readonly label: Label | null;
  readonly pneumonia: Reading['pneumonia'];
  /** Why there is no class, or null. */
  readonly abstained: Remark | null;
  readonly applicability: Reading['applicability'];
  readonly quality: Reading['quality'];
  readonly triage: Reading['triage'];
}

/**
 * The findings of a reading. Throws `report.reading-invalid` for probabilities that are none (a NUM is never
 * written without a value) and for a label that contradicts the answer to the pneumonia question.
 */
export function findingsOf(reading: Reading): Findings {
  const { label, pneumonia } = reading;
  const tenths = tenthsOf(checked(reading));
  const expected = label === null ? null : label === 'normal' ? 'absent' : 'present';
  if (
    (expected !== null && expected !== pneumonia) ||
    (label === null && (pneumonia === 'absent' || reading.abstained === null))
  ) {
    throw new DeepHealthError(
      'report.reading-invalid',
      'The label and the answer to pneumonia exclude each other.',
    );
  }
  const open = label === null && pneumonia === 'present';
  const certainty =
    label !== null ? tenths[label] : open ? tenths['bacterial-pneumonia'] + tenths['viral-pneumonia'] : null;
  return {
    finding: label !== null ? LABEL_FINDINGS[label] : open ? SCT.pneumonia : null,
    certainty: certainty === null ? null : percentOf(certainty),
    percents: {
      normal: percentOf(tenths.normal),
      'bacterial-pneumonia': percentOf(tenths['bacterial-pneumonia']),
      'viral-pneumonia': percentOf(tenths['viral-pneumonia']),
    },
    label,
    pneumonia,
    abstained: reading.abstained,
    applicability: reading.applicability,
    quality: reading.quality,
    triage: reading.triage,
  };
}

function checked({ probabilities }: Reading): Probabilities {
  const given = LABELS.map((label) => probabilities[label]);
  const sum = given.reduce((total, value) => total + value, 0);
  const sound = given.every((value) => Number.isFinite(value) && value >= 0 && value <= 1.001);
  if (!sound || Math.abs(sum - 1) > 0.01) {
    throw new DeepHealthError(
      'report.reading-invalid',
      'The probabilities of the reading are not probabilities.',
    );
  }
  return probabilities;
}

/** The study's answers from those of its films: of each, the one that a reader must not miss. */
export interface Summary {
  readonly pneumonia: Reading['pneumonia'];
  readonly quality: Reading['quality']['status'];
  readonly applicability: Reading['applicability']['status'];
  readonly triage: Reading['triage'];
}

export function summaryOf(films: readonly Pick<Findings, keyof Summary>[]): Summary {
  return {
    pneumonia: first(
      ['present', 'undetermined', 'absent'],
      films.map(({ pneumonia }) => pneumonia),
    ),
    quality: first(
      ['non-diagnostic', 'limited', 'diagnostic'],
      films.map(({ quality }) => quality.status),
    ),
    applicability: first(
      ['out', 'unknown', 'in'],
      films.map(({ applicability }) => applicability.status),
    ),
    triage: first(
      ['category-2', 'category-3', 'abstained', 'none', 'off'],
      films.map(({ triage }) => triage),
    ),
  };
}

function first<Answer>(order: readonly [...Answer[], Answer], given: readonly Answer[]): Answer {
  const found = order.find((answer) => given.includes(answer));
  return found ?? (order.at(-1) as Answer);
}
