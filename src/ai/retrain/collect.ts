import { readFile } from 'node:fs/promises';
import { type DicomDataset, number, text } from '../../dicom/dataset.ts';
import { createDecoder, type Decoder } from '../../dicom/film/decode/decoder.ts';
import type { Film } from '../../dicom/film/film.ts';
import { readHeader } from '../../dicom/film/open.ts';
import { pictureFormat } from '../../dicom/film/picture.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { ageOf } from '../age.ts';
import { sha256 } from '../canonical.ts';
import type { Model } from '../classify.ts';
import { type GroupedFilm, type Groups, groupsOf } from '../evaluate/subgroups.ts';
import type { LabelledFilm } from '../films/labelled.ts';
import { attempt, type IdentifiedFilm, identify, openLabelledFilm, type UnusedFilm } from '../films/open.ts';
import type { LabelTable } from '../films/table.ts';
import { FEATURES } from '../folder.ts';
import { gateVector } from '../gate.ts';
import { type Progress, pace } from '../progress.ts';
import type { Label } from '../reading.ts';
import type { Bottleneck, BottleneckCache } from './bottlenecks.ts';

/** A film to train on. */
export interface TrainingFilm extends Omit<IdentifiedFilm, 'kind' | 'truth'> {
  readonly file: string;
  readonly truth: Label;
  readonly bottleneck: Bottleneck;
  readonly age: number | undefined;
  readonly view: string | undefined;
  readonly groups: Groups;
}

/** What came of the films: those to train on, and those left out with the reason. */
export interface Collected {
  readonly films: readonly TrainingFilm[];
  readonly leftOut: readonly { readonly name: string; readonly code: string }[];
  /** How many bottlenecks were there already. */
  readonly cached: number;
}

export interface CollectOptions {
  readonly model: Model;
  readonly cache: BottleneckCache;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const BATCH = 8;

type Known = Omit<TrainingFilm, 'bottleneck'>;
interface Fresh {
  readonly known: Known;
  readonly film: Film;
}

/**
 * Computes the bottlenecks of labelled films, once for each file's content, reading and decoding ahead of the
 * network. Exact duplicates count once; with two labels, not at all. Films whose pneumonia is of unknown
 * type teach nothing here.
 * @throws `retrain.interrupted` when `signal` says so; what was computed is kept
 */
export async function collectFilms(
  labelled: readonly LabelledFilm[],
  table: LabelTable | undefined,
  options: CollectOptions,
): Promise<Collected> {
  const { cache, model, signal } = options;
  const tell = pace('bottlenecks', labelled.length, options.onProgress);
  const known: Known[] = [];
  const leftOut: { name: string; code: string }[] = [];
  let cached = 0;
  const decoder = createDecoder();
  let running: Promise<void> = Promise.resolve();
  try {
    let next = lookAhead(labelled.slice(0, BATCH), table, cache, decoder);
    for (let at = 0; at < labelled.length; at += BATCH) {
      if (signal?.aborted) throw new DeepHealthError('retrain.interrupted');
      const found = await next;
      next = lookAhead(labelled.slice(at + BATCH, at + 2 * BATCH), table, cache, decoder);
      const fresh = found.filter((one): one is Fresh => 'film' in one);
      for (const one of found) {
        if ('kind' in one) leftOut.push({ name: one.name, code: one.code });
        else known.push('film' in one ? one.known : one);
      }
      const inferred = fresh.length === 0 ? Promise.resolve() : infer(model, cache, fresh);
      inferred.catch(() => {});
      await running;
      running = inferred;
      cached += found.filter((one) => !('film' in one || 'kind' in one)).length;
      tell(fresh.length);
      tell(found.length - fresh.length, true);
    }
    await running;
  } finally {
    await running.catch(() => {});
    await decoder.close();
  }
  return { ...distinct(known, leftOut, cache), cached };
}

/** Reads and, where the bottleneck is not there yet, decodes films. */
function lookAhead(
  labelled: readonly LabelledFilm[],
  table: LabelTable | undefined,
  cache: BottleneckCache,
  decoder: Decoder,
): Promise<(Known | Fresh | UnusedFilm)[]> {
  return Promise.all(
    labelled.map((one) =>
      attempt(one.name, async () => {
        const bytes = await readFile(one.file);
        const digest = sha256(bytes);
        const there = cache.get(digest) !== undefined;
        const film = there ? undefined : await openLabelledFilm(bytes, decoder);
        const dataset = film?.dataset ?? (pictureFormat(bytes) ? {} : (await readHeader(bytes)).dataset);
        const identified = identify(one, table, dataset, digest);
        if (identified.kind !== 'identified') return identified;
        const { name, truth, patient, part } = identified;
        if (truth === 'pneumonia')
          return unused(name, 'type-unknown', 'Nothing tells which pneumonia the film shows.');
        if (part === 'test')
          return unused(name, 'test-part', 'The table of labels keeps this film for tests.');
        const view = viewOf(dataset);
        const known = {
          file: one.file,
          name,
          truth,
          patient,
          part,
          digest,
          age: ageOf(dataset),
          view,
          groups: groupsOf(shapeOf(dataset, view), part),
        };
        return film === undefined ? known : { known, film };
      }),
    ),
  );
}

function viewOf(dataset: DicomDataset): string | undefined {
  const view = text(dataset, '00185101')?.toUpperCase();
  return view === 'AP' || view === 'PA' ? view : undefined;
}

/** Size and view as the header tells, whether the pixels were decoded or not. */
function shapeOf(dataset: DicomDataset, view: string | undefined): GroupedFilm {
  const [rows, columns] = [number(dataset, '00280010') ?? 0, number(dataset, '00280011') ?? 0];
  return { dataset, view: view ?? 'unknown', rows, columns };
}

function unused(name: string, code: UnusedFilm['code'], message: string): UnusedFilm {
  return { kind: 'unlabelled', name, code, message };
}

async function infer(model: Model, cache: BottleneckCache, fresh: readonly Fresh[]): Promise<void> {
  const { gate, input } = model.manifest;
  const activations = await model.activate(fresh.map((one) => one.film));
  await cache.add(
    activations.map(({ features, prepared }, i) => {
      const thumb =
        gate == null
          ? new Float32Array()
          : gateVector(features, prepared.tensor, input.width, gate.thumb).slice(FEATURES);
      return [(fresh[i] as Fresh).known.digest, { features, thumb, framed: prepared.framed }] as const;
    }),
  );
}

function distinct(
  known: readonly Known[],
  leftOut: { name: string; code: string }[],
  cache: BottleneckCache,
): Pick<Collected, 'films' | 'leftOut'> {
  const byDigest = new Map<string, Known[]>();
  for (const one of known) byDigest.set(one.digest, [...(byDigest.get(one.digest) ?? []), one]);
  const films: TrainingFilm[] = [];
  for (const same of byDigest.values()) {
    const [first, ...others] = same;
    const bottleneck = first && cache.get(first.digest);
    if (first === undefined || bottleneck === undefined) continue;
    const contradicted = others.some((other) => other.truth !== first.truth);
    if (contradicted) leftOut.push({ name: first.name, code: 'two-labels' });
    else films.push({ ...first, bottleneck });
    for (const other of others)
      leftOut.push({ name: other.name, code: contradicted ? 'two-labels' : 'duplicate' });
  }
  return { films, leftOut };
}
