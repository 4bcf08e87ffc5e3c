/**
 * Writes the tables of docs/conformance.md that list what the written objects hold: objects are made for every kind
 * of study that the validators see in the tests, and read back. With `--check` it changes nothing and ends with 1
 * when the page holds other tables.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import dcmjs from 'dcmjs';
import { type DicomDataset, items, text } from '../src/dicom/dataset.ts';
import { parseDicom } from '../src/dicom/film/parse.ts';
import { makeReport, type Report } from '../src/dicom/report/report.ts';
import { CASES } from '../test/fixtures/report-cases.ts';

const PAGE = fileURLToPath(new URL('../docs/conformance.md', import.meta.url));
const dictionary = dcmjs.data.DicomMetaDictionary.dictionary as Readonly<
  Record<string, { readonly name?: string; readonly vr: string } | undefined>
>;

const CONTENT = '0040A730';

/** Where an attribute or content item was met, in how many of the datasets, and how it is shown. */
interface Line {
  readonly cells: readonly string[];
  readonly order: string;
  count: number;
  filled: number;
}

function tagged(tag: string): string {
  return `(${tag.slice(0, 4)},${tag.slice(4)})`;
}

/** Attributes of a dataset, those of sequence items under their sequence; content items have a table of their own. */
function attributeLines(dataset: DicomDataset, lines: Map<string, Line>, path = '', depth = 0): void {
  for (const [tag, element] of Object.entries(dataset)) {
    const key = `${path}/${tag}`;
    const name = dictionary[tagged(tag)]?.name ?? '';
    const line = lines.get(key) ?? {
      cells: [`${'>'.repeat(depth)}${name}`, tagged(tag), element.vr],
      order: key,
      count: 0,
      filled: 0,
    };
    line.count += 1;
    if (element.Value !== undefined && element.Value.length > 0) line.filled += 1;
    lines.set(key, line);
    if (element.vr !== 'SQ' || tag === CONTENT) continue;
    // Of several items the first: they are alike. Codes are shown once, by their sequence.
    const [first] = items(dataset, tag);
    if (first !== undefined && first['00080104'] === undefined) attributeLines(first, lines, key, depth + 1);
  }
}

function codeText(dataset: DicomDataset, tag: string): string {
  const [code] = items(dataset, tag);
  if (code === undefined) return '';
  return `(${text(code, '00080100')}, ${text(code, '00080102')}, ${text(code, '00080104')})`;
}

/** Content items in the order of the tree; equal ones of one parent count as one. */
function contentLines(dataset: DicomDataset, lines: Map<string, Line>, path = '', depth = 0): void {
  const seen = new Set<string>();
  for (const item of items(dataset, CONTENT)) {
    const name = codeText(item, '0040A043');
    const cells = [
      `${'>'.repeat(depth)}${text(item, '0040A010') ?? ''}`,
      text(item, '0040A040') ?? '',
      name === '' ? 'none' : name,
    ];
    const key = `${path}/${cells.join(' ')}`;
    const line = lines.get(key) ?? { cells, order: key, count: 0, filled: 0 };
    if (!seen.has(key)) line.count += 1;
    seen.add(key);
    lines.set(key, line);
    contentLines(item, lines, key, depth + 1);
  }
}

type Pick = (report: Report) => readonly ({ readonly bytes: Uint8Array } | null | undefined)[];

async function datasetsOf(pick: Pick): Promise<DicomDataset[]> {
  // Concept names of the report to read are in the language of the site; these tables are in English.
  const cases = Object.values(CASES).filter(({ options }) => options?.language !== 'de');
  const objects = cases.flatMap((input) => pick(makeReport(input)));
  const made = objects.filter((object) => object !== null && object !== undefined);
  return Promise.all(made.map(async ({ bytes }) => (await parseDicom(Uint8Array.from(bytes))).dataset));
}

async function attributeTable(pick: Pick): Promise<string> {
  const lines = new Map<string, Line>();
  const datasets = await datasetsOf(pick);
  for (const dataset of datasets) attributeLines(dataset, lines);
  const rows = [...lines.values()]
    .toSorted((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ cells, count, filled, order }) => {
      const parent = lines.get(order.slice(0, order.lastIndexOf('/')));
      const presence =
        count < (parent?.filled ?? datasets.length)
          ? 'sometimes'
          : filled < count
            ? 'always, may be empty'
            : 'always';
      return `| ${[...cells, presence].join(' | ')} |`;
    });
  return ['| attribute | tag | VR | present |', '|---|---|---|---|', ...rows].join('\n');
}

async function contentTable(pick: Pick): Promise<string> {
  const lines = new Map<string, Line>();
  const datasets = await datasetsOf(pick);
  for (const dataset of datasets) contentLines(dataset, lines);
  const rows = inTreeOrder([...lines.values()]).map(
    ({ cells, count }) => `| ${[...cells, count < datasets.length ? 'sometimes' : 'always'].join(' | ')} |`,
  );
  return ['| relationship | value type | concept name | present |', '|---|---|---|---|', ...rows].join('\n');
}

/** Children behind their parent, each level in the order in which it was first met. */
function inTreeOrder(lines: readonly Line[], parent = ''): Line[] {
  return lines
    .filter(({ order, cells }) => order === `${parent}/${cells.join(' ')}`)
    .flatMap((line) => [line, ...inTreeOrder(lines, line.order)]);
}

const TABLES: Readonly<Record<string, () => Promise<string>>> = {
  'air attributes': () => attributeTable(({ air }) => [air]),
  'air content': () => contentTable(({ air }) => [air]),
  'text attributes': () => attributeTable(({ text }) => [text]),
  'text content': () => contentTable(({ text }) => [text]),
  'heat map attributes': () => attributeTable(({ heatmaps }) => heatmaps),
};

let page = readFileSync(PAGE, 'utf8');
const before = page;
for (const [name, make] of Object.entries(TABLES)) {
  const place = new RegExp(`(<!-- table: ${name} -->\n)[\\s\\S]*?(\n<!-- end -->)`);
  if (!place.test(page)) throw new Error(`docs/conformance.md has no place for ${name}`);
  const table = await make();
  page = page.replace(place, (_, start: string, end: string) => `${start}${table}${end}`);
}
if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
else if (page !== before) {
  process.stderr.write(
    'docs/conformance.md holds other tables than the code makes; run node scripts/conformance-tables.ts\n',
  );
  process.exitCode = 1;
}
