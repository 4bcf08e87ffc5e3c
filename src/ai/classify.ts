import type { Film, Remark } from '../dicom/film/film.ts';
import { applicabilityOf } from './applicability.ts';
import { pooledFeatures, shareShown } from './cells.ts';
import { decide, type TriageOptions, triageOf } from './decision.ts';
import { type EngineOptions, type Network, type NetworkFile, openNetwork } from './engine/network.ts';
import { activationMap, explainedLabel } from './explain.ts';
import { FEATURES, MAP_SIDE, type ModelFolder, readModelFolder } from './folder.ts';
import { type Gate, gateVector, readGate } from './gate.ts';
import { logitsOf, probabilitiesOf } from './head.ts';
import type { Manifest } from './manifest.ts';
import { openPreparation, type Prepared } from './preparation.ts';
import { qualityOf } from './quality.ts';
import type { ActivationMap, ModelIdentity, Reading } from './reading.ts';

export interface ModelOptions extends EngineOptions {
  /** Absent: off. */
  readonly triage?: TriageOptions;
  /** What happens to a film that is surely outside of the model's population. Default `flag`. */
  readonly outOfPopulation?: 'flag' | 'abstain';
}

/** What is needed of a film to read it; every `Film` fits. */
export type FilmToRead = Pick<Film, 'kind' | 'dataset' | 'view' | 'rows' | 'columns' | 'picture' | 'remarks'>;

/** What the model said of one film, with what explains it. */
export interface FilmReading {
  readonly reading: Reading;
  /** One map: of the reported class, or of the stronger pneumonia class when none is reported. */
  readonly maps: readonly [ActivationMap];
  /** Milliseconds for this film (its share of the batch). */
  readonly timings: { readonly prepare: number; readonly infer: number };
}

/** What the backbone computed for one prepared picture. */
export interface Activations {
  readonly prepared: Prepared;
  /** [2048], the mean of the map over what of it is film. */
  readonly features: Float32Array;
  /** [2048, 8, 8] */
  readonly featureMap: Float32Array;
  readonly timings: FilmReading['timings'];
}

/** A loaded model: digests checked, engine running. */
export interface Model {
  readonly identity: ModelIdentity;
  readonly manifest: Manifest;
  /** The engine and what it computes with, for logs. */
  readonly backend: string;
  /** Passes of the network that run at once. */
  readonly lanes: number;
  /**
   * Reads films; the order of the answers is that of the films. Calls may overlap: while the network runs
   * for some, the next are prepared, and wait for a free lane.
   */
  read(films: readonly FilmToRead[]): Promise<FilmReading[]>;
  /** The step before the head alone, for retraining. */
  activate(films: readonly Pick<FilmToRead, 'picture'>[]): Promise<Activations[]>;
  close(): Promise<void>;
}

/**
 * Loads a model folder and starts the engine.
 * @throws every `model.*` code of `readModelFolder`, `model.network`, `engine.unavailable`
 */
export async function loadModel(directory: string, options: ModelOptions = {}): Promise<Model> {
  return openModel(await readModelFolder(directory), options);
}

/** Starts the engine for a model folder that was read before. */
export async function openModel(folder: ModelFolder, options: ModelOptions = {}): Promise<Model> {
  const gate = readGate(folder);
  const backbone = await openNetwork(backboneOf(folder), options);
  const preparation = await openPreparation(folder, options).catch(async (cause: unknown) => {
    await backbone.close();
    throw cause;
  });
  const lanes = limited(backbone.lanes);
  const activate: Model['activate'] = async (films) => {
    const started = performance.now();
    const prepared = await preparation.prepare(films.map((film) => film.picture));
    const prepare = (performance.now() - started) / films.length;
    return lanes(async () => {
      const began = performance.now();
      const found = await infer(backbone, prepared);
      const timings = { prepare, infer: (performance.now() - began) / films.length };
      return found.map((one) => ({ ...one, timings }));
    });
  };
  return {
    identity: folder.identity,
    manifest: folder.manifest,
    backend: backbone.backend,
    lanes: backbone.lanes,
    activate,
    async read(films) {
      const activations = await activate(films);
      return films.map((film, i) => readingOf(folder, gate, options, film, activations[i] as Activations));
    },
    async close() {
      // Every lane at once: what was begun or waits has ended then.
      const empty = Promise.withResolvers<void>();
      let held = 0;
      const hold = () => {
        held += 1;
        if (held === backbone.lanes) empty.resolve();
        return empty.promise;
      };
      await Promise.all(Array.from({ length: backbone.lanes }, () => lanes(hold)));
      await preparation.close();
      await backbone.close();
    },
  };
}

/** The large network of a model folder and what is expected of it. */
export function backboneOf({ backbone, manifest }: ModelFolder): NetworkFile<'featureMap'> {
  return {
    bytes: backbone,
    input: { name: 'image', shape: [1, manifest.input.height, manifest.input.width] },
    outputs: { featureMap: { shape: [FEATURES, MAP_SIDE, MAP_SIDE] } },
  };
}

async function infer(
  backbone: Network<'featureMap'>,
  prepared: readonly Prepared[],
): Promise<Omit<Activations, 'timings'>[]> {
  const [first] = prepared;
  if (first !== undefined && prepared.length === 1) {
    const { featureMap } = await backbone.run(first.tensor, 1);
    return [activationsOf(first, featureMap)];
  }
  const each = first?.tensor.length ?? 0;
  const images = new Float32Array(prepared.length * each);
  prepared.forEach(({ tensor }, i) => {
    images.set(tensor, i * each);
  });
  const { featureMap } = await backbone.run(images, prepared.length);
  const length = FEATURES * MAP_SIDE * MAP_SIDE;
  return prepared.map((one, i) => activationsOf(one, featureMap.slice(i * length, (i + 1) * length)));
}

function activationsOf(prepared: Prepared, featureMap: Float32Array): Omit<Activations, 'timings'> {
  return { prepared, features: pooledFeatures(featureMap, prepared.cells), featureMap };
}

const NON_DIAGNOSTIC: Remark = {
  code: 'quality',
  message: 'The film is not of a quality, or not of a kind, that the model can read.',
};
const OUT_OF_POPULATION: Remark = {
  code: 'out-of-population',
  message: 'The film is outside of the population on which the model was trained.',
};

/** Everything after the network, for one film: probabilities, gate, quality, population, decision, map. */
function readingOf(
  folder: ModelFolder,
  gate: Gate | undefined,
  options: ModelOptions,
  film: FilmToRead,
  activations: Activations,
): FilmReading {
  const { head, manifest, identity } = folder;
  const { features, featureMap, prepared, timings } = activations;
  const logits = logitsOf(head, features);
  const probabilities = probabilitiesOf(head, logits, manifest.calibration.temperature);
  const applicability = applicabilityOf(film, manifest.population);
  const vector = gate && gateVector(features, prepared.tensor, manifest.input.width, gate.thumb);
  const verdict = vector && gate.judge(vector, shareShown(prepared.cells));
  const quality = qualityOf(film.remarks, prepared, verdict);
  const refusal =
    quality.status === 'non-diagnostic'
      ? NON_DIAGNOSTIC
      : options.outOfPopulation === 'abstain' && applicability.status === 'out'
        ? OUT_OF_POPULATION
        : null;
  const decision =
    refusal === null
      ? decide(probabilities, manifest.decision)
      : { label: null, pneumonia: 'undetermined' as const, abstained: refusal };
  const reading: Reading = {
    ...decision,
    probabilities,
    applicability,
    quality,
    triage: triageOf(decision, probabilities, options.triage),
    model: identity,
  };
  const map = activationMap(head, explainedLabel(reading), featureMap, MAP_SIDE, MAP_SIDE, prepared.box);
  return { reading, maps: [map], timings };
}

/** Runs what it is given, at most so many at once, in the order in which it was given. */
function limited(atOnce: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      // The place passes to the next in line, so that nobody can take it in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
