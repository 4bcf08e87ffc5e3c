import { readFile } from 'node:fs/promises';
import { text } from '../../dicom/dataset.ts';
import type { Decoder } from '../../dicom/film/decode/decoder.ts';
import { rulesForFiles } from '../../dicom/film/file-rules.ts';
import type { Film } from '../../dicom/film/film.ts';
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
  readonly code: ErrorCode | 'read.failed' | 'unlabelled';
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
  const { name } = labelled;
  try {
    const bytes = await readFile(labelled.file);
    const film = await openFilm(bytes, { decoder, rules: RULES });
    const digest = sha256(bytes);
    const row = table?.get(text(film.dataset, '00080018') ?? '');
    const truth = labelled.truth ?? row?.truth;
    if (truth === undefined) {
      return {
        kind: 'unlabelled',
        name,
        code: 'unlabelled',
        message: 'The table of labels does not name this film.',
      };
    }
    const patient = labelled.patient ?? row?.patient ?? patientOf(film) ?? `film ${digest}`;
    return { kind: 'opened', name, truth, patient, part: labelled.part ?? row?.part, film, digest };
  } catch (error) {
    if (error instanceof DeepHealthError)
      return { kind: 'unreadable', name, code: error.code, message: error.message };
    return { kind: 'unreadable', name, code: 'read.failed', message: 'The file cannot be read.' };
  }
}

/** The patient of a DICOM film; ids of different issuers are different patients. */
function patientOf(film: Film): string | undefined {
  const id = text(film.dataset, '00100020');
  return id === undefined ? undefined : `${id}\\${text(film.dataset, '00100021') ?? ''}`;
}

/**
 * Opens films ahead of their use, in batches and in order: while one batch is inferred the next is decoded.
 */
export async function* openInBatches(
  films: readonly LabelledFilm[],
  table: LabelTable | undefined,
  decoder: Decoder,
  size: number,
): AsyncGenerator<(OpenedFilm | UnusedFilm)[]> {
  const open = (from: number) =>
    Promise.all(films.slice(from, from + size).map((film) => openLabelled(film, table, decoder)));
  let next = open(0);
  for (let at = 0; at < films.length; at += size) {
    const batch = next;
    next = at + size < films.length ? open(at + size) : Promise.resolve([]);
    yield await batch;
  }
}
