import type { Probabilities, Reading } from '../ai/reading.ts';
import { text } from '../dicom/dataset.ts';
import type { Film } from '../dicom/film/film.ts';
import type { DeepHealthError } from '../errors/error.ts';

/** Milliseconds of each step of one film. */
export interface FilmTimings {
  readonly read: number;
  readonly decode: number;
  readonly prepare: number;
  readonly infer: number;
  readonly report: number;
}

/** What `classify --json` and `POST /api/predict` say of one film. */
export interface FilmJson extends Omit<Reading, 'probabilities'> {
  readonly file: string;
  readonly studyInstanceUid: string | null;
  readonly sopInstanceUid: string | null;
  readonly probabilities: Probabilities;
  readonly timingsMs: FilmTimings;
}

/** What they say of one that could not be read. */
export interface FailedJson {
  readonly file: string;
  readonly error: { readonly code: string; readonly message: string };
}

/** The JSON object of one film that was read; keys in the order of the contract. */
export function filmJson(file: string, film: Film, reading: Reading, timings: FilmTimings): FilmJson {
  const round = (milliseconds: number) => Math.round(milliseconds * 10) / 10;
  return {
    file,
    studyInstanceUid: text(film.dataset, '0020000D') ?? null,
    sopInstanceUid: text(film.dataset, '00080018') ?? null,
    label: reading.label,
    probabilities: reading.probabilities,
    pneumonia: reading.pneumonia,
    abstained: reading.abstained,
    applicability: reading.applicability,
    quality: reading.quality,
    triage: reading.triage,
    model: reading.model,
    timingsMs: {
      read: round(timings.read),
      decode: round(timings.decode),
      prepare: round(timings.prepare),
      infer: round(timings.infer),
      report: round(timings.report),
    },
  };
}

/** The JSON object of one film that could not be read. */
export function failedJson(file: string, { code, message }: DeepHealthError): FailedJson {
  return { file, error: { code, message } };
}
