import { open } from 'node:fs/promises';
import { type DicomDataset, text } from '../../dicom/dataset.ts';
import type { Decoder } from '../../dicom/film/decode/decoder.ts';
import { rulesForFiles } from '../../dicom/film/file-rules.ts';
import type { Film } from '../../dicom/film/film.ts';
import { DEFAULT_FILM_LIMITS } from '../../dicom/film/limits.ts';
import { openFilm } from '../../dicom/film/open.ts';
import { DEFAULT_RULES } from '../../dicom/film/select-rules.ts';
import { DeepHealthError, type ErrorCode } from '../../errors/error.ts';
import { sha256 } from '../canonical.ts';
import type { LabelledFilm } from './labelled.ts';
import type { LabelTable } from './table.ts';
import type { Part, Truth } from './truth.ts';

/** A labelled film, opened. `patient` keeps the films of one person together and is never printed. */
export interface OpenedFilm {
  readonly kind: 'opened';
  readonly name: string;
  readonly truth: Truth;
  readonly patient: string;
  readonly part: Part | undefined;
  readonly film: Film;
  /** SHA-256 of the file. */
  readonly digest: string;
}

/** A film that could not be used; `unlabelled` when it opened but no label is known for it. */
export interface UnusedFilm {
  readonly kind: 'unreadable' | 'unlabelled';
  readonly name: string;
  readonly code: ErrorCode | 'read.failed' | 'unlabelled' | 'type-unknown' | 'test-part';
  readonly message: string;
}

/** Films of a labelled set were chosen by people. */
const RULES = rulesForFiles(DEFAULT_RULES);

/** Opens one labelled film. Never throws for what is wrong with the film. */
export async function openLabelled(
  labelled: LabelledFilm,
  table: LabelTable | undefined,
  decoder: Decoder,
): Promise<OpenedFilm | UnusedFilm> {
  return attempt(labelled.name, async () => {
    const bytes = await readFilmFile(labelled.file);
    const film = await openLabelledFilm(bytes, decoder);
    const known = identify(labelled, table, film.dataset, sha256(bytes));
    return known.kind === 'identified' ? { ...known, kind: 'opened' as const, film } : known;
  });
}

/** The bytes of a film's file; one that is too large for a film is refused before it is held in memory. @throws `file.too-large` */
export async function readFilmFile(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > DEFAULT_FILM_LIMITS.fileBytes) throw new DeepHealthError('file.too-large');
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** A labelled film's place in its set, told by its folder or table and its header. */
export interface IdentifiedFilm extends Omit<OpenedFilm, 'kind' | 'film'> {
  readonly kind: 'identified';
}

/** Opens the bytes of a labelled film. @throws what `openFilm` throws */
export function openLabelledFilm(bytes: Uint8Array, decoder: Decoder): Promise<Film> {
  return openFilm(bytes, { decoder, rules: RULES });
}

/** Label, patient and part of a film, by its name, the table and its header. */
export function identify(
  labelled: LabelledFilm,
  table: LabelTable | undefined,
  dataset: DicomDataset,
  digest: string,
): IdentifiedFilm | UnusedFilm {
  const { name } = labelled;
  const row = table?.get(text(dataset, '00080018') ?? '');
  const truth = labelled.truth ?? row?.truth;
  if (truth === undefined) {
    return {
      kind: 'unlabelled',
      name,
      code: 'unlabelled',
      message: 'The table of labels does not name this film.',
    };
  }
  const patient = labelled.patient ?? row?.patient ?? patientOf(dataset) ?? `film ${digest}`;
  return { kind: 'identified', name, truth, patient, part: labelled.part ?? row?.part, digest };
}

/** Runs what may fail for one film; a failure becomes a line in the list of unreadable ones. */
export async function attempt<T>(name: string, task: () => Promise<T>): Promise<T | UnusedFilm> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof DeepHealthError)
      return { kind: 'unreadable', name, code: error.code, message: error.message };
    return { kind: 'unreadable', name, code: 'read.failed', message: 'The file cannot be read.' };
  }
}

/** The patient of a DICOM film; ids of different issuers are different patients. */
function patientOf(dataset: DicomDataset): string | undefined {
  const id = text(dataset, '00100020');
  return id === undefined ? undefined : `${id}\\${text(dataset, '00100021') ?? ''}`;
}
