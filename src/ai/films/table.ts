import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { DeepHealthError } from '../../errors/error.ts';
import { type Part, partOfWord, type Truth, truthOfWord } from './truth.ts';

/** A row of a table of labels. */
export interface LabelRow {
  readonly truth: Truth;
  readonly patient: string | undefined;
  readonly part: Part | undefined;
}

/** Labels by what names the film: its path, its file name with or without ending, or its SOP Instance UID. */
export type LabelTable = ReadonlyMap<string, LabelRow>;

const COLUMNS = {
  film: ['file', 'filename', 'path', 'image', 'film', 'sopinstanceuid', 'sopuid', 'uid', 'name'],
  label: ['label', 'class', 'diagnosis', 'truth', 'finding', 'category'],
  patient: ['patient', 'patientid', 'person', 'subject', 'subjectid'],
  part: ['part', 'split', 'set', 'fold'],
} as const;

/**
 * Reads a CSV of labels (comma, semicolon or tab; first line names the columns).
 * @throws `evaluate.labels` naming the column or the first rows that cannot be used
 */
export async function readLabelTable(file: string): Promise<LabelTable> {
  const rows = parseRows(await readText(file));
  const [header, ...lines] = rows;
  if (header === undefined) throw unusable('it is empty');
  const names = header.map((name) => name.toLowerCase().replace(/[^a-z]/g, ''));
  const column = (kind: keyof typeof COLUMNS) =>
    names.findIndex((name) => (COLUMNS[kind] as readonly string[]).includes(name));
  const [film, label, patient, part] = [column('film'), column('label'), column('patient'), column('part')];
  if (film < 0) throw unusable(`it has no column for the film (one of ${COLUMNS.film.join(', ')})`);
  if (label < 0) throw unusable(`it has no column for the label (one of ${COLUMNS.label.join(', ')})`);
  const table = new Map<string, LabelRow>();
  const wrong: number[] = [];
  lines.forEach((cells, i) => {
    const key = (cells[film] ?? '').trim().replaceAll('\\', '/');
    const truth = truthOfWord(cells[label] ?? '');
    if (key === '' || truth === undefined) {
      wrong.push(i + 2);
      return;
    }
    const row = { truth, patient: cells[patient]?.trim() || undefined, part: partOfWord(cells[part] ?? '') };
    for (const name of namesOf(key)) table.set(name, row);
  });
  if (wrong.length > 0) {
    const shown = wrong.slice(0, 5).join(', ');
    throw unusable(
      `${wrong.length} lines have no film or a label that is not known (lines ${shown}${wrong.length > 5 ? ', ...' : ''})`,
    );
  }
  return table;
}

/** The names under which a film may be found: as written, without folders, without ending. */
export function namesOf(key: string): string[] {
  const base = key.slice(key.lastIndexOf('/') + 1);
  const stem = base.replace(/\.[A-Za-z0-9]{1,4}$/, '');
  return [...new Set([key, base, stem])];
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new DeepHealthError('evaluate.labels', 'The CSV of labels cannot be read.', { cause });
  });
}

function parseRows(text: string): string[][] {
  try {
    return parse(text, {
      bom: true,
      delimiter: [',', ';', '\t'],
      relax_column_count: true,
      skip_empty_lines: true,
    });
  } catch (cause) {
    throw new DeepHealthError('evaluate.labels', 'The CSV of labels is not CSV.', { cause });
  }
}

function unusable(why: string): DeepHealthError {
  return new DeepHealthError('evaluate.labels', `The CSV of labels cannot be used: ${why}.`);
}
