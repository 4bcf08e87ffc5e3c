import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DeepHealthError } from '../../errors/error.ts';
import { type LabelTable, namesOf, readLabelTable } from './table.ts';
import {
  type Part,
  partOfWord,
  patientOfFileName,
  type Truth,
  truthOfFileName,
  truthOfWord,
} from './truth.ts';

/** A file that may be a film, with what its place and name tell about it. */
export interface LabelledFilm {
  readonly file: string;
  /** Path within the folder that was given, with slashes. */
  readonly name: string;
  /** Undefined where a table of labels may still name it by its SOP Instance UID. */
  readonly truth: Truth | undefined;
  /** Undefined where the DICOM header or the file itself has to tell. */
  readonly patient: string | undefined;
  readonly part: Part | undefined;
}

export interface LabelledFolder {
  readonly films: readonly LabelledFilm[];
  /** The table of labels, when the folder is labelled by one. */
  readonly table: LabelTable | undefined;
  /** Files without any label: not films of the set, or sorted nowhere. */
  readonly unlabelled: number;
}

const NOT_FILMS = new Set(['.csv', '.txt', '.md', '.json', '.html', '.pdf', '.xlsx', '.zip', '.gz']);

/**
 * Finds the labelled films below a folder: by a table of labels (`labels`, or the one CSV in the folder), by
 * class folders (NORMAL, PNEUMONIA, viral, ..., with train, val and test parts above or below them), or by
 * the file names of the public data set. Sorted by name, so that the order is always the same.
 * @throws `evaluate.no-films`, `evaluate.labels`
 */
export async function findLabelledFilms(folder: string, labels?: string): Promise<LabelledFolder> {
  const files: string[] = [];
  await walk(folder, files).catch((cause: unknown) => {
    throw new DeepHealthError('evaluate.no-films', 'The folder of films cannot be read.', { cause });
  });
  const tableFile = labels ?? (await onlyCsv(folder));
  const table = tableFile === undefined ? undefined : await readLabelTable(tableFile);
  const candidates = files.filter((file) => !NOT_FILMS.has(path.extname(file).toLowerCase()));
  const films = candidates.map((file) => describe(folder, file, table));
  const wanted = films.filter((film) => film.truth !== undefined || table !== undefined);
  if (wanted.length === 0) throw new DeepHealthError('evaluate.no-films');
  return { films: wanted, table, unlabelled: films.length - wanted.length };
}

function describe(folder: string, file: string, table: LabelTable | undefined): LabelledFilm {
  const name = path.relative(folder, file).split(path.sep).join('/');
  const base = path.basename(file);
  const folders = path.resolve(file).split(path.sep).slice(0, -1).toReversed();
  const inside = folders.slice(0, name.split('/').length);
  const part = inside
    .slice(0, -1)
    .map(partOfWord)
    .find((found) => found !== undefined);
  if (table !== undefined) {
    const row = namesOf(name)
      .map((key) => table.get(key))
      .find((found) => found !== undefined);
    return { file, name, truth: row?.truth, patient: row?.patient, part: row?.part ?? part };
  }
  const byFolder = inside.map(truthOfWord).find((found) => found !== undefined);
  const byName = truthOfFileName(base);
  const truth =
    byFolder === undefined || byFolder === 'pneumonia' ? (typed(byName) ?? byFolder ?? byName) : byFolder;
  return { file, name, truth, patient: patientOfFileName(base), part };
}

/** A file name may say which pneumonia it is, but not turn a pneumonia folder's film into a normal one. */
function typed(truth: Truth | undefined): Truth | undefined {
  return truth === 'normal' ? undefined : truth;
}

/** The CSV directly in the folder, if there is exactly one. */
async function onlyCsv(folder: string): Promise<string | undefined> {
  const found = (await readdir(folder)).filter((name) => name.toLowerCase().endsWith('.csv'));
  return found.length === 1 ? path.join(folder, found[0] as string) : undefined;
}

/**
 * Adds every file below a folder, sorted; hidden ones left out, and no folder entered twice (links may go round). One by
 * one: a folder of a hundred thousand films is more than a call takes as arguments.
 */
async function walk(folder: string, found: string[], seen = new Set<string>()): Promise<void> {
  const real = await realpath(folder);
  if (seen.has(real)) return;
  seen.add(real);
  for (const entry of (await readdir(folder)).toSorted()) {
    if (entry.startsWith('.') || entry === '__MACOSX') continue;
    const child = path.join(folder, entry);
    const status = await stat(child).catch(() => undefined);
    if (status?.isDirectory()) await walk(child, found, seen);
    else if (status?.isFile()) found.push(child);
  }
}
