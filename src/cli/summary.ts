import { LABELS } from '../ai/reading.ts';
import { percentInWords } from '../ai/tenths.js';
import type { Remark } from '../dicom/film/film.ts';
import type { Findings } from '../dicom/report/findings.ts';
import type { FailedJson, FilmJson } from '../reading/film-json.ts';
import { visible } from '../text/visible.ts';

const NAMES = {
  normal: 'normal',
  'bacterial-pneumonia': 'bacterial pneumonia',
  'viral-pneumonia': 'viral pneumonia',
} as const;

/** One film's result for people: the conclusion first, then what it rests on and where the files are. */
export function summaryOf(
  film: FilmJson,
  { percents }: Findings,
  conclusion: string,
  remarks: readonly Remark[],
  files: readonly string[],
): string {
  const chances = LABELS.map((label) => `${NAMES[label]} ${percentInWords(percents[label])}`);
  const lines = [visible(film.file), `  ${conclusion}`, `  ${chances.join(', ')}`];
  if (film.abstained !== null) lines.push(`  No class is reported: ${film.abstained.message}`);
  for (const { message } of film.applicability.reasons) lines.push(`  Applicability: ${message}`);
  if (film.quality.status !== 'diagnostic' || film.quality.reasons.length > 0) {
    lines.push(`  Image quality for the model: ${film.quality.status}`);
    for (const { message } of film.quality.reasons) lines.push(`    ${message}`);
  }
  for (const { message } of remarks) lines.push(`  Header: ${visible(message)}`);
  const [first] = files;
  if (first !== undefined) {
    lines.push(`  Files: ${visible(first)}`, ...files.slice(1).map((path) => `         ${visible(path)}`));
  }
  return `${lines.join('\n')}\n`;
}

/** The line for people about a film that could not be read. */
export function failureOf({ file, error }: FailedJson): string {
  return `${visible(file)}\n  Not read (${error.code}): ${error.message}\n`;
}
