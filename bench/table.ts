import { holds, type Row, round, targetText } from './row.ts';

/** The rows of one figure, or why there are none. */
export interface Section {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  readonly rows: readonly Row[];
  /** The figure could not be taken, or not to its end. */
  readonly failure?: string;
}

const VERDICTS = { true: 'holds', false: 'does not hold', undefined: '' } as const;

function valueText({ value, target }: Row): string {
  if (value === null) return '';
  return `${round(value)} ${target?.unit ?? '×'}`;
}

function verdict(row: Row): string {
  return VERDICTS[String(holds(row)) as keyof typeof VERDICTS];
}

/** How many targets hold, of how many. */
export function count(sections: readonly Section[]): { kept: number; of: number } {
  const verdicts = sections.flatMap(({ rows }) => rows.map(holds)).filter((each) => each !== undefined);
  return { kept: verdicts.filter(Boolean).length, of: verdicts.length };
}

/** One figure's rows for a terminal. */
export function plainTable({ title, rows, failure, seconds }: Section): string {
  const cells = rows.map((row) => [
    row.what,
    row.measured,
    row.baseline,
    valueText(row),
    targetText(row),
    verdict(row),
  ]);
  const head = ['', 'measured', 'baseline', 'value', 'target', ''];
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((line) => line[i]?.length ?? 0)));
  const line = (parts: readonly string[]) =>
    `  ${parts.map((part, i) => part.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd();
  const notes = rows.flatMap(({ note }) => (note === undefined ? [] : [`  * ${note}`]));
  return [
    `${title} (${Math.round(seconds)} s)`,
    ...(rows.length > 0 ? [line(head), ...cells.map(line)] : []),
    ...notes,
    ...(failure === undefined ? [] : [`  not taken: ${failure}`]),
    '',
  ].join('\n');
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** All figures as Markdown. */
export function markdown(sections: readonly Section[]): string {
  return sections
    .flatMap(({ title, rows, failure }) => [
      `### ${title}`,
      '',
      ...(failure === undefined ? [] : [`Not taken: ${cell(failure.split('\n')[0] ?? '')}`, '']),
      ...(rows.length === 0
        ? []
        : [
            '| | measured | baseline | value | target | |',
            '|---|---|---|---|---|---|',
            ...rows.map(
              (row) =>
                `| ${[row.what, row.measured, row.baseline, valueText(row), targetText(row), verdict(row)]
                  .map(cell)
                  .join(' | ')} |`,
            ),
            '',
          ]),
      ...rows.flatMap(({ what, note }) => (note === undefined ? [] : [`- ${cell(what)}: ${cell(note)}`])),
      ...(rows.some(({ note }) => note !== undefined) ? [''] : []),
    ])
    .join('\n');
}

const START = '<!-- figures: written by npm run bench, do not edit -->';
const END = '<!-- end of figures -->';

/** The document with everything between its two markers replaced. */
export function withFigures(document: string, text: string): string {
  const from = document.indexOf(START);
  const to = document.indexOf(END);
  if (from < 0 || to < from) throw new Error('docs/performance.md has lost its markers.');
  return `${document.slice(0, from)}${START}\n\n${text.trim()}\n\n${document.slice(to)}`;
}
