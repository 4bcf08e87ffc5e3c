import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createDecoder } from '../../dicom/film/decode/decoder.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { Model } from '../classify.ts';
import { findLabelledFilms, type LabelledFilm } from '../films/labelled.ts';
import { type OpenedFilm, openInBatches } from '../films/open.ts';
import type { Part } from '../films/truth.ts';
import { type Progress, pace } from '../progress.ts';
import { LABELS, type Reading } from '../reading.ts';
import { bootstrap } from './bootstrap.ts';
import { cardFigures } from './card.ts';
import { precisionRecallCurve, rocCurve } from './curves.ts';
import { confusionOf, measure, pneumoniaBins, topBins } from './measures.ts';
import { type WorstMisses, worstMisses } from './misses.ts';
import { reportPage } from './page.ts';
import type { Drawings, Evaluation, Subgroup } from './result.ts';
import { layOutScores, type ScoredFilm } from './scores.ts';
import { DIMENSIONS, type Groups, groupsOf } from './subgroups.ts';

export interface EvaluateOptions {
  /** The model under test; the caller closes it. */
  readonly model: Model;
  /** Where `metrics.json` and `report.html` go; absent: nothing is written. */
  readonly out?: string;
  /** A CSV of labels; absent: the one CSV in the folder, or the folders' and files' names. */
  readonly labels?: string;
  /** The part of a divided data set to evaluate. Absent: `test` where there is one, else everything. */
  readonly part?: Part | 'all';
  /** Draws of the bootstrap, default 1000. */
  readonly resamples?: number;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

const SEED = 20180222;
const BATCH = 8;
const MISSES = 12;
const SUBGROUP_RESAMPLES = 200;
const HISTOGRAM_BINS = 25;
/** What a film is reported as; the columns of `reported`. */
const REPORTED = [
  'normal',
  'bacterial-pneumonia',
  'viral-pneumonia',
  'type-undetermined',
  'undetermined',
] as const;

/** A film with what was said of it; the picture is let go. */
interface ReadFilm extends ScoredFilm {
  readonly reported: (typeof REPORTED)[number];
  readonly heldBack: boolean;
  readonly groups: Groups;
}

/**
 * Reads every labelled film below a folder and counts how often the model is right.
 * @throws `evaluate.no-films`, `evaluate.labels`, `engine.failed`; an AbortError when `signal` says so
 */
export async function evaluate(folder: string, options: EvaluateOptions): Promise<Evaluation> {
  const started = performance.now();
  const { films, table } = await findLabelledFilms(folder, options.labels);
  const part = options.part ?? (films.some((film) => film.part === 'test') ? 'test' : 'all');
  const chosen = part === 'all' ? films : films.filter((film) => film.part === part);
  if (chosen.length === 0) {
    throw new DeepHealthError('evaluate.no-films', `No labelled film was found in the part ${part}.`);
  }
  const misses = worstMisses(MISSES);
  const { read, unreadable, unlabelled } = await readAll(chosen, table, options, misses);
  if (read.length === 0) {
    throw new DeepHealthError('evaluate.no-films', 'None of the films found could be read.');
  }
  const { model } = options;
  const thresholds = model.manifest.decision;
  const scores = layOutScores(read);
  const ones = new Uint8Array(read.length).fill(1);
  const bands = bootstrap(scores, thresholds, { seed: SEED, resamples: options.resamples ?? 1000 });
  const measures = measure(scores, thresholds);
  const evaluation: Evaluation = {
    format: 1,
    model: model.identity,
    thresholds: { present: thresholds.present, absent: thresholds.absent, typeMargin: thresholds.typeMargin },
    films: {
      found: films.length,
      evaluated: read.length,
      unreadable: unreadable.length,
      unlabelled,
      leftOut: films.length - chosen.length,
      patients: scores.patients.length,
      byTruth: counted(read.map((film) => film.truth)),
    },
    part: part === 'all' ? null : part,
    measures,
    intervals: bands.intervals,
    bootstrap: { resamples: bands.resamples, seed: SEED },
    confusion: { labels: LABELS, counts: confusionOf(scores, ones) },
    reported: { columns: REPORTED, rows: reportedTable(read) },
    heldBack: read.filter((film) => film.heldBack).length,
    subgroups: subgroupsOf(read, thresholds),
    card: cardFigures(model.manifest.metrics, measures, bands.intervals),
    misses: misses.list,
    unreadable,
    seconds: (performance.now() - started) / 1000,
  };
  if (options.out !== undefined) {
    const drawings: Drawings = {
      roc: rocCurve(scores, ones),
      precisionRecall: precisionRecallCurve(scores, ones),
      bands,
      reliability: { top: topBins(scores, ones), pneumonia: pneumoniaBins(scores, ones) },
      histograms: histogramsOf(read),
      heatmaps: misses.heatmaps,
    };
    await mkdir(options.out, { recursive: true });
    await writeFile(path.join(options.out, 'metrics.json'), `${JSON.stringify(evaluation, null, 2)}\n`);
    await writeFile(path.join(options.out, 'report.html'), reportPage(evaluation, drawings, model.manifest));
  }
  return evaluation;
}

async function readAll(
  chosen: readonly LabelledFilm[],
  table: Awaited<ReturnType<typeof findLabelledFilms>>['table'],
  { model, onProgress, signal }: EvaluateOptions,
  misses: WorstMisses,
) {
  const decoder = createDecoder();
  const tell = pace('read', chosen.length, onProgress);
  const read: ReadFilm[] = [];
  const unreadable: { name: string; code: string }[] = [];
  let unlabelled = 0;
  try {
    for await (const batch of openInBatches(chosen, table, decoder, BATCH)) {
      signal?.throwIfAborted();
      const opened = batch.filter((one): one is OpenedFilm => one.kind === 'opened');
      const readings = await model.read(opened.map((one) => one.film));
      for (const [i, one] of opened.entries()) {
        const reading = readings[i];
        if (reading === undefined) continue;
        await misses.offer(one, reading);
        read.push({
          truth: one.truth,
          patient: one.patient,
          probabilities: reading.reading.probabilities,
          reported: reportedAs(reading.reading),
          heldBack: reading.reading.quality.status === 'non-diagnostic',
          groups: groupsOf(one.film, one.part),
        });
      }
      for (const one of batch) {
        if (one.kind === 'unreadable') unreadable.push({ name: one.name, code: one.code });
        if (one.kind === 'unlabelled') unlabelled += 1;
      }
      tell(batch.length);
    }
  } finally {
    await decoder.close();
  }
  return { read, unreadable, unlabelled };
}

function reportedAs(reading: Reading): ReadFilm['reported'] {
  if (reading.label !== null) return reading.label;
  return reading.pneumonia === 'present' ? 'type-undetermined' : 'undetermined';
}

function reportedTable(read: readonly ReadFilm[]): Record<string, number[]> {
  const rows: Record<string, number[]> = {};
  for (const film of read) {
    const row = rows[film.truth] ?? REPORTED.map(() => 0);
    rows[film.truth] = row;
    const column = REPORTED.indexOf(film.reported);
    row[column] = (row[column] ?? 0) + 1;
  }
  return rows;
}

/** Figures by group, in dimensions that have more than one. */
function subgroupsOf(read: readonly ReadFilm[], thresholds: { present: number; absent: number }): Subgroup[] {
  return DIMENSIONS.flatMap((dimension) => {
    const names = [...new Set(read.map((film) => film.groups[dimension]))].toSorted();
    if (names.length < 2) return [];
    return names.map((group): Subgroup => {
      const films = read.filter((film) => film.groups[dimension] === group);
      const scores = layOutScores(films);
      const { intervals } = bootstrap(scores, thresholds, { seed: SEED, resamples: SUBGROUP_RESAMPLES });
      return {
        dimension,
        group,
        films: films.length,
        patients: scores.patients.length,
        measures: measure(scores, thresholds),
        intervals,
      };
    });
  });
}

function histogramsOf(read: readonly ReadFilm[]): Record<string, number[]> {
  const rows: Record<string, number[]> = {};
  for (const { truth, probabilities } of read) {
    const row = rows[truth] ?? new Array<number>(HISTOGRAM_BINS).fill(0);
    rows[truth] = row;
    const bin = Math.min(Math.floor((1 - probabilities.normal) * HISTOGRAM_BINS), HISTOGRAM_BINS - 1);
    row[bin] = (row[bin] ?? 0) + 1;
  }
  return rows;
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
