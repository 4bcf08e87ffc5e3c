import { type DicomDataset, text } from '../../dicom/dataset.ts';
import { createDecoder, type Decoder } from '../../dicom/film/decode/decoder.ts';
import type { Film } from '../../dicom/film/film.ts';
import { readHeader } from '../../dicom/film/open.ts';
import { pictureFormat } from '../../dicom/film/picture.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { ageOf } from '../age.ts';
import { sha256 } from '../canonical.ts';
import { shareShown } from '../cells.ts';
import type { Model } from '../classify.ts';
import { type Groups, groupsOf } from '../evaluate/subgroups.ts';
import { inBatches } from '../films/batches.ts';
import type { LabelledFilm } from '../films/labelled.ts';
import {
  attempt,
  type IdentifiedFilm,
  identify,
  openLabelledFilm,
  readFilmFile,
  type UnusedFilm,
} from '../films/open.ts';
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
  /** Films that could not be read. */
  readonly unreadable: readonly LeftOut[];
  /** Films that were read, or need not be, and teach nothing: duplicates, films without a label. */
  readonly leftOut: readonly LeftOut[];
  /** How many bottlenecks were there already. */
  readonly cached: number;
}

export interface LeftOut {
  readonly name: string;
  readonly code: string;
}

export interface CollectOptions {
  readonly model: Model;
  readonly cache: BottleneckCache;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Films a pass: fewer make more calls, more make the last lane wait longer. */
const BATCH = 4;
/** Batches opened and prepared while every lane of the network is busy. */
const WAITING = 2;

type Known = Omit<TrainingFilm, 'bottleneck'>;
interface Fresh {
  readonly known: Known;
  readonly film: Film;
}
type Looked = Known | Fresh | UnusedFilm;

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
  const unused: UnusedFilm[] = [];
  let cached = 0;
  const decoder = createDecoder();
  const work = async (batch: readonly LabelledFilm[]): Promise<Looked[]> => {
    const looked = await Promise.all(batch.map((one) => look(one, table, cache, decoder)));
    await infer(
      model,
      cache,
      looked.filter((one): one is Fresh => 'film' in one),
    );
    return looked;
  };
  try {
    for await (const looked of inBatches(labelled, { size: BATCH, limit: model.lanes + WAITING }, work)) {
      let fresh = 0;
      for (const one of looked) {
        if ('kind' in one) unused.push(one);
        else known.push('film' in one ? one.known : one);
        if ('film' in one) fresh += 1;
        else if (!('kind' in one)) cached += 1;
      }
      tell(fresh);
      tell(looked.length - fresh, true);
      if (signal?.aborted) throw new DeepHealthError('retrain.interrupted');
    }
  } finally {
    await decoder.close();
  }
  const { films, same } = distinct(known, cache);
  const reason = ({ name, code }: UnusedFilm): LeftOut => ({ name, code });
  return {
    films,
    unreadable: unused.filter(({ kind }) => kind === 'unreadable').map(reason),
    leftOut: [...unused.filter(({ kind }) => kind === 'unlabelled').map(reason), ...same],
    cached,
  };
}

/** Reads one film and, where its bottleneck is not there yet, decodes it. */
function look(
  labelled: LabelledFilm,
  table: LabelTable | undefined,
  cache: BottleneckCache,
  decoder: Decoder,
): Promise<Looked> {
  return attempt(labelled.name, async () => {
    const bytes = await readFilmFile(labelled.file);
    const digest = sha256(bytes);
    const there = cache.get(digest);
    const film = there === undefined ? await openLabelledFilm(bytes, decoder) : undefined;
    const dataset = film?.dataset ?? (pictureFormat(bytes) ? {} : (await readHeader(bytes)).dataset);
    const identified = identify(labelled, table, dataset, digest);
    if (identified.kind !== 'identified') return identified;
    const { name, truth, patient, part } = identified;
    if (truth === 'pneumonia')
      return unusable(name, 'type-unknown', 'Nothing tells which pneumonia the film shows.');
    if (part === 'test') return unusable(name, 'test-part', 'The table of labels keeps this film for tests.');
    const view = viewOf(dataset);
    const { rows, columns } = film ?? there ?? { rows: 0, columns: 0 };
    const groups = groupsOf({ dataset, view: view ?? 'unknown', rows, columns }, part);
    const known = {
      file: labelled.file,
      name,
      truth,
      patient,
      part,
      digest,
      age: ageOf(dataset),
      view,
      groups,
    };
    return film === undefined ? known : { known, film };
  });
}

function viewOf(dataset: DicomDataset): string | undefined {
  const view = text(dataset, '00185101')?.toUpperCase();
  return view === 'AP' || view === 'PA' ? view : undefined;
}

function unusable(name: string, code: UnusedFilm['code'], message: string): UnusedFilm {
  return { kind: 'unlabelled', name, code, message };
}

async function infer(model: Model, cache: BottleneckCache, fresh: readonly Fresh[]): Promise<void> {
  if (fresh.length === 0) return;
  const { gate, input } = model.manifest;
  const activations = await model.activate(fresh.map((one) => one.film));
  await cache.add(
    activations.map(({ features, prepared }, i) => {
      const thumb =
        gate == null
          ? new Float32Array()
          : gateVector(features, prepared.tensor, input.width, gate.thumb).slice(FEATURES);
      const { known, film } = fresh[i] as Fresh;
      const { rows, columns } = film;
      const shown = shareShown(prepared.cells);
      return [known.digest, { features, thumb, framed: prepared.framed, shown, rows, columns }] as const;
    }),
  );
}

/** Each film once; others of the same content are told of, and films with two labels are no films at all. */
function distinct(
  known: readonly Known[],
  cache: BottleneckCache,
): { films: TrainingFilm[]; same: LeftOut[] } {
  const byDigest = Map.groupBy(known, ({ digest }) => digest);
  const films: TrainingFilm[] = [];
  const same: LeftOut[] = [];
  for (const [digest, [first, ...others]] of byDigest) {
    const bottleneck = cache.get(digest);
    if (first === undefined || bottleneck === undefined) continue;
    const contradicted = others.some((other) => other.truth !== first.truth);
    if (contradicted) same.push({ name: first.name, code: 'two-labels' });
    else films.push({ ...first, bottleneck });
    for (const other of others)
      same.push({ name: other.name, code: contradicted ? 'two-labels' : 'duplicate' });
  }
  return { films, same };
}
