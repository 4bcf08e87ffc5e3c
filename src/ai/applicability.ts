import { type DicomDataset, number, text } from '../dicom/dataset.ts';
import type { Film, Remark } from '../dicom/film/film.ts';
import { ageOf } from './age.ts';
import type { Reading } from './reading.ts';

/** The patients and films that a model was trained on. */
export interface Population {
  /** Youngest and oldest age in completed years. */
  readonly ageYears: readonly [number, number];
  readonly views: readonly string[];
  readonly description: string;
}

/** What of a film decides whether the model was made for it. */
export type FilmOrigin = Pick<Film, 'kind' | 'dataset' | 'view' | 'rows' | 'columns'>;

/** Lossy compression beyond this ratio is stronger than that of the films the models were trained on. */
const LOSSY_RATIO = 25;
/** Shorter sides than this hold less than the network's own input. */
const SHORT_SIDE = 299;

interface Judgement {
  readonly status: 'out' | 'unknown';
  readonly reason: Remark;
}

/**
 * Whether a film belongs to the population that the model was trained on (standards 1.3.4): `out` when
 * something is surely different, `unknown` when the header does not tell, else `in`. Sex does not matter.
 */
export function applicabilityOf(film: FilmOrigin, population: Population): Reading['applicability'] {
  const judgements = [
    judgeAge(film.dataset, population.ageYears),
    judgeView(film.view, population.views),
    judgeModality(film),
    judgeSize(film),
    judgeCompression(film.dataset),
  ].filter((judgement) => judgement !== undefined);
  const status = judgements.some((judgement) => judgement.status === 'out')
    ? 'out'
    : judgements.length > 0
      ? 'unknown'
      : 'in';
  return { status, reasons: judgements.map((judgement) => judgement.reason) };
}

function judgeAge(
  dataset: DicomDataset,
  [youngest, oldest]: readonly [number, number],
): Judgement | undefined {
  const range = `the range on which the model was trained (${youngest} to ${oldest} years)`;
  const age = ageOf(dataset);
  if (age === undefined) {
    return judgement('unknown', 'age-unknown', `Patient age is unknown, so it may be outside of ${range}.`);
  }
  return age < youngest || age >= oldest + 1
    ? judgement('out', 'age-outside', `Patient age is outside of ${range}.`)
    : undefined;
}

function judgeView(view: Film['view'], views: readonly string[]): Judgement | undefined {
  const known = views.join(' and ');
  if (views.includes(view)) return undefined;
  return view === 'PA' || view === 'AP'
    ? judgement(
        'out',
        'view-other',
        `The film is a ${view} projection; the model was trained on ${known} films.`,
      )
    : judgement(
        'unknown',
        'view-unknown',
        `The projection of the film is unknown; the model was trained on ${known} films.`,
      );
}

function judgeModality({ kind, dataset }: FilmOrigin): Judgement | undefined {
  if (kind === 'picture') {
    return judgement(
      'unknown',
      'no-header',
      'The film is a picture file without a DICOM header, so its origin is unknown.',
    );
  }
  const modality = text(dataset, '00080060');
  return modality === 'CR' || modality === 'DX'
    ? undefined
    : judgement('unknown', 'modality-other', 'The modality of the film is not CR or DX.');
}

function judgeSize({ rows, columns }: FilmOrigin): Judgement | undefined {
  return Math.min(rows, columns) < SHORT_SIDE
    ? judgement(
        'unknown',
        'film-small',
        `The film has fewer than ${SHORT_SIDE} pixels along its shorter side.`,
      )
    : undefined;
}

function judgeCompression(dataset: DicomDataset): Judgement | undefined {
  const ratio = number(dataset, '00282112');
  return ratio !== undefined && ratio > LOSSY_RATIO
    ? judgement(
        'unknown',
        'lossy-ratio',
        `The film was compressed with loss by more than ${LOSSY_RATIO} to 1.`,
      )
    : undefined;
}

function judgement(status: Judgement['status'], code: string, message: string): Judgement {
  return { status, reason: { code, message } };
}
