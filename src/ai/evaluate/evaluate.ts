import { createDecoder } from '../../dicom/film/decode/decoder.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { Model } from '../classify.ts';
import { inBatches } from '../films/batches.ts';
import { findLabelledFilms, type LabelledFilm } from '../films/labelled.ts';
import { openLabelled } from '../films/open.ts';
import type { LabelTable } from '../films/table.ts';
import type { Part } from '../films/truth.ts';
import { type Progress, pace } from '../progress.ts';
import { type WorstMisses, worstMisses } from './misses.ts';
import type { Evaluation } from './result.ts';
import { groupsOf } from './subgroups.ts';
import { outcomeOf, type ReadFilm, summarise } from './summary.ts';

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

/** Films a pass, and batches that are opened and prepared while every lane of the network is busy. */
const BATCH = 4;
const WAITING = 2;
const MISSES = 12;
/**
 * Reads every labelled film below a folder and counts how often the model is right.
 * @throws `evaluate.no-films`, `evaluate.labels`, `evaluate.output`, `engine.failed`; an AbortError when `signal` says so
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
  return summarise(read, {
    manifest: model.manifest,
    identity: model.identity,
    found: { films: films.length, leftOut: films.length - chosen.length, unlabelled, unreadable },
    part: part === 'all' ? null : part,
    gated: true,
    misses,
    resamples: options.resamples ?? 1000,
    seconds: (performance.now() - started) / 1000,
    out: options.out,
  });
}

async function readAll(
  chosen: readonly LabelledFilm[],
  table: LabelTable | undefined,
  { model, onProgress, signal }: EvaluateOptions,
  misses: WorstMisses,
) {
  const decoder = createDecoder();
  const tell = pace('read', chosen.length, onProgress);
  const read: ReadFilm[] = [];
  const unreadable: { name: string; code: string }[] = [];
  let unlabelled = 0;
  const work = async (batch: readonly LabelledFilm[]) => {
    const films = await Promise.all(batch.map((film) => openLabelled(film, table, decoder)));
    const opened = films.filter((one) => one.kind === 'opened');
    const readings = opened.length === 0 ? [] : await model.read(opened.map((one) => one.film));
    return { films, opened, readings };
  };
  try {
    for await (const { films, opened, readings } of inBatches(
      chosen,
      { size: BATCH, limit: model.lanes + WAITING },
      work,
    )) {
      for (const [i, one] of opened.entries()) {
        const reading = readings[i];
        if (reading === undefined) continue;
        await misses.offer(one, reading);
        read.push({
          truth: one.truth,
          patient: one.patient,
          probabilities: reading.reading.probabilities,
          ...outcomeOf(reading.reading),
          groups: groupsOf(one.film, one.part),
        });
      }
      for (const one of films) {
        if (one.kind === 'unreadable') unreadable.push({ name: one.name, code: one.code });
        if (one.kind === 'unlabelled') unlabelled += 1;
      }
      tell(films.length);
      signal?.throwIfAborted();
    }
  } finally {
    await decoder.close();
  }
  return { read, unreadable, unlabelled };
}
