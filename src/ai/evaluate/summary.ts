import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DeepHealthError } from '../../errors/error.ts';
import type { Manifest } from '../manifest.ts';
import { LABELS, type ModelIdentity, type Reading } from '../reading.ts';
import { bootstrap } from './bootstrap.ts';
import { cardFigures } from './card.ts';
import type { Comparison } from './compare.ts';
import { precisionRecallCurve, rocCurve } from './curves.ts';
import { confusionOf, measure, pneumoniaBins, topBins } from './measures.ts';
import type { WorstMisses } from './misses.ts';
import { reportPage } from './page.ts';
import type { Decisions, Drawings, Evaluation, Subgroup } from './result.ts';
import { layOutScores, type ScoredFilm } from './scores.ts';
import { DIMENSIONS, type Groups } from './subgroups.ts';

/** Of every bootstrap: the same films give the same intervals. */
export const SEED = 20180222;
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
export interface ReadFilm extends ScoredFilm {
  readonly reported: (typeof REPORTED)[number];
  readonly heldBack: boolean;
  readonly groups: Groups;
}

/** Where the films came from, for the counts, and where the result goes. */
export interface SummaryOptions {
  readonly manifest: Manifest;
  readonly identity: ModelIdentity;
  readonly found: {
    readonly films: number;
    readonly leftOut: number;
    readonly unlabelled: number;
    readonly unreadable: Evaluation['unreadable'];
  };
  readonly part: string | null;
  /** False: the films were judged by their scores alone, not by gate and quality rules. */
  readonly gated: boolean;
  readonly misses: WorstMisses;
  readonly resamples: number;
  readonly seconds: number;
  /** Folder for `metrics.json` and `report.html`; absent: nothing is written. */
  readonly out: string | undefined;
  /** What another model makes of the same films. */
  readonly comparison?: Comparison;
  /** More sections of the page: markup of ours. */
  readonly sections?: string;
}

/** Counts the films read and writes what was found. @throws `evaluate.output` */
export async function summarise(read: readonly ReadFilm[], options: SummaryOptions): Promise<Evaluation> {
  const { manifest, found } = options;
  const thresholds = manifest.decision;
  const scores = layOutScores(read);
  const ones = new Uint8Array(read.length).fill(1);
  const bands = bootstrap(scores, thresholds, { seed: SEED, resamples: options.resamples });
  const measures = measure(scores, thresholds);
  const evaluation: Evaluation = {
    format: 1,
    model: options.identity,
    thresholds: {
      present: thresholds.present,
      absent: thresholds.absent,
      typeMargin: thresholds.typeMargin,
    },
    films: {
      found: found.films,
      evaluated: read.length,
      unreadable: found.unreadable.length,
      unlabelled: found.unlabelled,
      leftOut: found.leftOut,
      patients: scores.patients.length,
      byTruth: counted(read.map((film) => film.truth)),
    },
    part: options.part,
    measures,
    intervals: bands.intervals,
    bootstrap: { resamples: bands.resamples, seed: SEED },
    confusion: { labels: LABELS, counts: confusionOf(scores, ones) },
    reported: { columns: REPORTED, rows: reportedTable(read) },
    decisions: decisionsOf(read),
    heldBack: options.gated ? read.filter((film) => film.heldBack).length : null,
    subgroups: subgroupsOf(read, thresholds),
    card: cardFigures(manifest.metrics, measures, bands.intervals),
    ...(options.comparison === undefined ? {} : { comparison: options.comparison }),
    misses: options.misses.list,
    unreadable: found.unreadable,
    seconds: options.seconds,
  };
  if (options.out !== undefined) {
    const drawings: Drawings = {
      roc: rocCurve(scores, ones),
      precisionRecall: precisionRecallCurve(scores, ones),
      bands,
      reliability: { top: topBins(scores, ones), pneumonia: pneumoniaBins(scores, ones) },
      histograms: histogramsOf(read),
      heatmaps: options.misses.heatmaps,
    };
    const html = reportPage(evaluation, drawings, manifest, options.sections ?? '');
    await writeResults(options.out, evaluation, html);
  }
  return evaluation;
}

async function writeResults(folder: string, evaluation: Evaluation, html: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'metrics.json'), `${JSON.stringify(evaluation, null, 2)}\n`);
    await writeFile(path.join(folder, 'report.html'), html);
  } catch (cause) {
    throw new DeepHealthError('evaluate.output', undefined, { cause });
  }
}

/** What is counted of a reading beside its probabilities. */
export function outcomeOf(
  reading: Pick<Reading, 'label' | 'pneumonia' | 'quality'>,
): Pick<ReadFilm, 'reported' | 'heldBack'> {
  const open = reading.pneumonia === 'present' ? 'type-undetermined' : 'undetermined';
  return { reported: reading.label ?? open, heldBack: reading.quality.status === 'non-diagnostic' };
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

function decisionsOf(read: readonly ReadFilm[]): Decisions {
  const count = (wanted: (film: ReadFilm) => boolean) => read.filter(wanted).length;
  const share = (part: number, whole: number) => (whole > 0 ? part / whole : null);
  const decided = (film: ReadFilm) => film.reported !== 'undetermined';
  const present = (film: ReadFilm) => decided(film) && film.reported !== 'normal';
  const sick = (film: ReadFilm) => film.truth !== 'normal';
  const labelled = (film: ReadFilm) => decided(film) && film.reported !== 'type-undetermined';
  return {
    decided: count(decided),
    sensitivityOfDecided: share(
      count((film) => sick(film) && present(film)),
      count((film) => sick(film) && decided(film)),
    ),
    specificityOfDecided: share(
      count((film) => !sick(film) && film.reported === 'normal'),
      count((film) => !sick(film) && decided(film)),
    ),
    labelled: count(labelled),
    accuracyOfLabelled: share(
      count((film) => film.reported === film.truth),
      count((film) => labelled(film) && film.truth !== 'pneumonia'),
    ),
    typeOpen: count((film) => film.reported === 'type-undetermined'),
    undetermined: count((film) => !decided(film)),
  };
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
