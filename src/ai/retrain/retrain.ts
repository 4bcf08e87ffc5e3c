import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createDecoder } from '../../dicom/film/decode/decoder.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { loadModel, type Model, openModel } from '../classify.ts';
import { decide } from '../decision.ts';
import type { EngineOptions } from '../engine/network.ts';
import { compare } from '../evaluate/compare.ts';
import { evaluate } from '../evaluate/evaluate.ts';
import { missedBy, type WorstMisses, worstMisses } from '../evaluate/misses.ts';
import { section } from '../evaluate/page.ts';
import type { Evaluation } from '../evaluate/result.ts';
import { SEED, summarise } from '../evaluate/summary.ts';
import { activationMap, explainedLabel } from '../explain.ts';
import { findLabelledFilms } from '../films/labelled.ts';
import { attempt, openLabelledFilm, readFilmFile } from '../films/open.ts';
import { MAP_SIDE, type ModelFolder, readModelFolder } from '../folder.ts';
import type { Head } from '../head.ts';
import type { Progress } from '../progress.ts';
import type { ModelIdentity, Probabilities } from '../reading.ts';
import { escaped, table } from '../report/markup.ts';
import { openBottlenecks } from './bottlenecks.ts';
import { type Calibration, calibrate, rescaled } from './calibrate.ts';
import { type Collected, collectFilms, type TrainingFilm } from './collect.ts';
import { type CrossValidated, crossValidate } from './cross-validate.ts';
import { curvesMarkup, trainingCurves } from './curves.ts';
import { modelCard } from './model-card.ts';
import { decidedFilms, writeModel } from './write-model.ts';

export interface RetrainOptions extends EngineOptions {
  /** Folder of the model to start from. */
  readonly base: string;
  /** Folder of the new model; must not exist or be empty. */
  readonly out: string;
  /** A CSV of labels; absent: the one CSV in the folder, or the folders' and files' names. */
  readonly labels?: string;
  /** Folder of the bottlenecks, kept for the next run. Default: `out` with `.bottlenecks` added. */
  readonly cache?: string;
  /** Name of the new model; default the base's with `-retrained` added. */
  readonly name?: string;
  /** Version of the new model; default the base's with `+` and the first digits of the new head's digest. */
  readonly version?: string;
  /** What the films are, one sentence for the model card. */
  readonly description?: string;
  readonly onProgress?: (progress: Progress) => void;
  /** Stops the run; the same call goes on from what was computed. */
  readonly signal?: AbortSignal;
}

export interface Retrained {
  readonly model: ModelIdentity;
  readonly out: string;
  readonly films: number;
  readonly patients: number;
  /** Bottlenecks that were on disk already. */
  readonly cached: number;
  /** Films that could not be read. */
  readonly unreadable: Collected['unreadable'];
  /** Other films left out: of unknown type, duplicates, of two labels. */
  readonly leftOut: Collected['leftOut'];
  /** Of out-of-fold scores. */
  readonly evaluation: Evaluation;
  /** On the part `test`, where the films have one. */
  readonly test: Evaluation | undefined;
  readonly seconds: number;
}

const MISSES = 12;
const RESAMPLES = 1000;

/**
 * Retrains the last layer of a model on labelled films (design.md, `retrain`), calibrates it, chooses its
 * thresholds, refits its gate, and writes a model folder with its card, curves and report. Films of a part
 * `test` are kept out and evaluated at the end. The folder appears whole or not at all.
 * @throws `retrain.*`, `evaluate.no-films`, `evaluate.labels`, `model.network`, `engine.*`
 */
export async function retrain(folder: string, options: RetrainOptions): Promise<Retrained> {
  // A folder of this run's own: of two runs with one `out` the second to end is refused, and neither loses a file.
  const partial = `${path.resolve(options.out)}.${randomUUID()}.partial`;
  try {
    return await run(folder, options, partial);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (options.signal?.aborted)
      throw new DeepHealthError('retrain.interrupted', undefined, { cause: error });
    // What is left to the file system here is only writing: films, tables and the base have codes of their own.
    const { syscall, code } = error as NodeJS.ErrnoException;
    if (syscall !== undefined || code === 'evaluate.output') {
      throw new DeepHealthError('retrain.output', undefined, { cause: error });
    }
    throw error;
  }
}

async function run(folder: string, options: RetrainOptions, partial: string): Promise<Retrained> {
  const started = performance.now();
  const out = path.resolve(options.out);
  await refuseUsedFolder(out);
  const base = await readBase(options.base);
  const { films, table } = await findLabelledFilms(folder, options.labels);
  const training = films.filter((film) => film.part !== 'test');
  const model = await openModel(base, options);
  try {
    const cache = await openBottlenecks(options.cache ?? `${out}.bottlenecks`, base.manifest);
    const collected = await collectFilms(training, table, {
      model,
      cache,
      onProgress: options.onProgress,
      signal: options.signal,
    }).finally(() => cache.close());
    const validated = await crossValidate(collected.films, base.head, options);
    const calibration = calibrate(validated.heldOut, validated.of);
    await mkdir(partial, { recursive: true });
    const made = await writeModel(base, collected.films, validated, calibration, options, partial);
    const identity = (await readModelFolder(partial)).identity;
    const read = decidedFilms(collected.films, calibration.probabilities, calibration);
    const curves = trainingCurves(validated.epochs, validated.chosenEpoch);
    await writeFile(path.join(partial, 'accuracy.svg'), curves.accuracy);
    await writeFile(path.join(partial, 'cross-entropy.svg'), curves.crossEntropy);
    const comparison = compare(
      { films: read, thresholds: made.decision },
      {
        films: decidedFilms(
          collected.films,
          validated.baseLogits.map((logits) => rescaled(logits, { ...base.manifest.calibration, bias: [] })),
          base.manifest.decision,
        ),
        thresholds: base.manifest.decision,
      },
      base.identity,
      { resamples: RESAMPLES, seed: SEED },
    );
    const evaluation = await summarise(read, {
      comparison,
      manifest: { ...made, metrics: {} },
      identity,
      found: {
        films: films.length,
        leftOut: films.length - training.length,
        unlabelled: 0,
        unreadable: collected.unreadable,
      },
      part: null,
      gated: false,
      misses: await drawMisses(model, collected.films, validated, calibration, identity),
      resamples: RESAMPLES,
      seconds: (performance.now() - started) / 1000,
      out: partial,
      sections: section(
        'Training',
        `${curvesMarkup(curves, validated.folds)}<p>All figures of this page are of films scored by a layer that never saw their patient.</p>${leftOutMarkup(collected.leftOut)}`,
      ),
    });
    const test = films.length === training.length ? undefined : await evaluateTest(folder, options, partial);
    const card = modelCard({
      manifest: made,
      base: base.identity,
      films: made.population.description,
      evaluation,
      test,
      folds: validated.folds,
      epochs: validated.chosenEpoch,
      leftOut: counted([...collected.unreadable, ...collected.leftOut].map((one) => one.code)),
    });
    await writeFile(path.join(partial, 'MODEL_CARD.md'), card);
    await removeEmpty(out);
    await rename(partial, out);
    return {
      model: identity,
      out,
      films: collected.films.length,
      patients: evaluation.films.patients,
      cached: collected.cached,
      unreadable: collected.unreadable,
      leftOut: collected.leftOut,
      evaluation,
      test,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await model.close();
  }
}

/** Only an empty folder, or none, may be written to: no model is ever overwritten. */
async function refuseUsedFolder(out: string): Promise<void> {
  const there = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new DeepHealthError('retrain.output', undefined, { cause: error });
  });
  if (there.length > 0)
    throw new DeepHealthError('retrain.output', 'The folder for the new model is not empty.');
}

/** What was put there meanwhile, by another run for one, stays. */
async function removeEmpty(out: string): Promise<void> {
  await rmdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function readBase(directory: string): Promise<ModelFolder> {
  return readModelFolder(directory).catch((error: unknown) => {
    if (!(error instanceof DeepHealthError)) throw error;
    throw new DeepHealthError('retrain.base', `The base model does not fit: ${error.message}`, {
      cause: error,
    });
  });
}

/** Opens the films that were missed most again and draws them with the map of the head that missed them. */
async function drawMisses(
  model: Model,
  films: readonly TrainingFilm[],
  { heads, of }: CrossValidated,
  calibration: Calibration,
  identity: ModelIdentity,
): Promise<WorstMisses> {
  const misses = worstMisses(MISSES);
  const decoder = createDecoder();
  try {
    const missed = films
      .map((film, i) => {
        const probabilities = calibration.probabilities[i] as Probabilities;
        return { film, i, probabilities, own: missedBy(film.truth, probabilities) ?? 1 };
      })
      .filter(({ own }) => own < 1)
      .toSorted((a, b) => a.own - b.own)
      .slice(0, MISSES);
    for (const { film, i, probabilities } of missed) {
      await attempt(film.name, async () => {
        const opened = await openLabelledFilm(await readFilmFile(film.file), decoder);
        const [activations] = await model.activate([opened]);
        if (activations === undefined) return;
        const reading = {
          ...decide(probabilities, calibration),
          probabilities,
          // The films that a model is trained on are the ones that it is made for.
          applicability: { status: 'in', reasons: [] },
          model: identity,
        } as const;
        const head = heads[of[i] as number] as Head;
        const { featureMap, prepared } = activations;
        const map = activationMap(
          head,
          explainedLabel(reading),
          featureMap,
          MAP_SIDE,
          MAP_SIDE,
          prepared.box,
        );
        await misses.offer({ name: film.name, truth: film.truth, film: opened }, { reading, maps: [map] });
      });
    }
  } finally {
    await decoder.close();
  }
  return misses;
}

/** The new model on the films that training never saw. */
async function evaluateTest(folder: string, options: RetrainOptions, made: string): Promise<Evaluation> {
  const model = await loadModel(made, options);
  try {
    return await evaluate(folder, {
      model,
      part: 'test',
      out: path.join(made, 'test'),
      ...(options.labels === undefined ? {} : { labels: options.labels }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } finally {
    await model.close();
  }
}

/** Films that were left out though they could be read; two labels for one film are for a person to settle. */
function leftOutMarkup(leftOut: Collected['leftOut']): string {
  const counts = Object.entries(counted(leftOut.map(({ code }) => code)));
  if (counts.length === 0) return '';
  const unsettled = leftOut.filter(({ code }) => code === 'two-labels').slice(0, 200);
  const words = `<p>Left out: ${escaped(counts.map(([code, count]) => `${count} ${code}`).join(', '))}.</p>`;
  const rows = unsettled.map(({ name }) => [name]);
  return unsettled.length === 0 ? words : words + table(['the same film has two labels'], rows);
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
