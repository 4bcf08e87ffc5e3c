/**
 * `npm run bench`: every figure with its baseline in one run, each in a process of its own.
 *
 *     npm run bench -- --quick              seconds instead of minutes: does it work, not how fast it is
 *     npm run bench -- --only start,daemon  some figures; the others stay as they are in results.json
 *
 * Prints the table, writes bench/results.json and the table in docs/performance.md. A quick run writes nothing.
 *     npm run bench -- --patience 5         waits five times as long before it gives a figure up
 *
 * A figure that fails is told in its place; the exit code is 1 then. A target that does not hold is told and
 * is no failure: whether it holds is for the reader of the table.
 */
import { fork } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Told } from './figure.ts';
import { FIGURES, type Figure } from './figures.ts';
import { type Machine, machine } from './machine.ts';
import { holds, type Row } from './row.ts';
import { count, markdown, plainTable, type Section, withFigures } from './table.ts';

const RESULTS = fileURLToPath(new URL('results.json', import.meta.url));
const DOCUMENT = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
const SCRIPT = fileURLToPath(new URL('figure.ts', import.meta.url));

interface Results {
  readonly takenAt: string;
  readonly machine: Machine;
  readonly sections: readonly (Omit<Section, 'rows'> & {
    readonly takenAt: string;
    readonly rows: readonly (Row & { readonly holds: boolean | null })[];
  })[];
}

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, patience: { type: 'string' } },
});
const quick = values.quick === true;
const only = values.only?.split(',');
const patience = Number(values.patience ?? 1) || 1;
const unknown = only?.filter((name) => !FIGURES.some((figure) => figure.name === name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(
    `There is no figure ${unknown.join(', ')}: choose from ${FIGURES.map(({ name }) => name).join(', ')}.\n`,
  );
  process.exit(2);
}

const here = machine();
process.stdout.write(
  `${here.processor}, ${here.cores} cores${here.vnni ? ' with VNNI' : ''}, ${here.memoryGiB} GiB, ` +
    `Node.js ${here.node}, load before ${here.loadBefore}, commit ${here.commit}\n\n`,
);
const sections: Section[] = [];
for (const figure of FIGURES.filter(({ name }) => only?.includes(name) ?? true)) {
  const section = await take(figure);
  sections.push(section);
  process.stdout.write(`${plainTable(section)}\n`);
}
const { kept, of } = count(sections);
process.stdout.write(`${kept} of ${of} targets hold${quick ? ' (quick: not to be believed)' : ''}.\n`);
if (!quick) await keep();
process.exitCode = sections.some(({ failure }) => failure !== undefined) ? 1 : 0;

/** Runs one figure; never throws. */
async function take({ name, title, patienceMs }: Figure): Promise<Section> {
  const began = performance.now();
  const child = fork(SCRIPT, quick ? [name, '--quick'] : [name], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A group of its own: what the bench started ends with it.
    detached: true,
  });
  const interrupted = () => {
    endGroup(child.pid);
    process.exit(1);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const rows: Row[] = [];
  let reason: string | undefined;
  let words = '';
  child.on('message', (message) => {
    const told = message as Told;
    if (told.kind === 'row') rows.push(told.row);
    else reason = told.reason;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-4000);
  });
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
    child.once('error', (error) => resolve(error.message));
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(
      () => resolve(`not done within ${(patience * patienceMs) / 60_000} minutes`),
      patience * patienceMs,
    );
  });
  const end = await Promise.race([exited, late]);
  clearTimeout(timer);
  process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  endGroup(child.pid);
  const seconds = (performance.now() - began) / 1000;
  const section = { name, title, seconds, rows };
  if (end === 'code 0') return section;
  return { ...section, failure: reason ?? `it ended with ${end}. ${words.trim()}` };
}

/** Ends whatever the figure's process left behind: peers and services that it started are in its group. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing was left.
  }
}

async function keep(): Promise<void> {
  const takenAt = new Date().toISOString();
  const before = await readFile(RESULTS, 'utf8').then(
    (text) => JSON.parse(text) as Results,
    () => undefined,
  );
  const fresh: Results['sections'] = sections.map((section) => ({
    ...section,
    takenAt,
    rows: section.rows.map((row) => ({ ...row, holds: holds(row) ?? null })),
  }));
  const all = FIGURES.flatMap(({ name }) => {
    const section =
      fresh.find((each) => each.name === name) ?? before?.sections.find((each) => each.name === name);
    return section === undefined ? [] : [section];
  });
  const results: Results = { takenAt, machine: here, sections: all };
  await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  const held = count(all);
  const line =
    `Taken on ${takenAt.slice(0, 10)}: ${here.processor}, ${here.cores} cores${here.vnni ? ' with VNNI' : ''}, ` +
    `${here.memoryGiB} GiB, Node.js ${here.node}, commit ${here.commit}. ${held.kept} of ${held.of} targets hold.`;
  const document = await readFile(DOCUMENT, 'utf8');
  await writeFile(DOCUMENT, withFigures(document, `${line}\n\n${markdown(all)}`));
}
