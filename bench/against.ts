import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { mustRun, PROGRAM, peakOf, runChild } from './child.ts';
import { filmFile, type Syntax } from './films.ts';
import { MODEL } from './model.ts';
import { type BenchOptions, mebibytes, ms, type Row, rate } from './row.ts';
import { median } from './timing.ts';

const PYTHON = '/usr/bin/python3';
const SCRIPTS = join(import.meta.dirname, 'baselines');
/** Those that Debian's python3-pydicom with gdcm reads. */
const READ_BY_BOTH: readonly Syntax[] = ['uncompressed', 'jpeg-lossless', 'rle', 'jpeg-2000'];

/** The same films, 12 bits of 2,048 × 2,500, read by what would be scripted instead, and by our second engine. */
export async function benchAgainst({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'deep-health-against-'));
  try {
    const films = await existing(READ_BY_BOTH);
    const config = join(scratch, 'deep-health.yaml');
    await writeFile(config, `storage:\n  folder: ${scratch}\n`);
    const classify = async (paths: readonly string[], ...more: string[]) => {
      const args = [PROGRAM, 'classify', ...paths, '--json', '--config', config, ...more];
      return mustRun(process.execPath, args, { watchMemory: true });
    };
    const network = join(scratch, 'network.pt');
    const python = await runChild(PYTHON, [join(SCRIPTS, 'network.py'), MODEL, network]).catch(
      () => undefined,
    );
    const rounds = quick ? 1 : 24;
    const many = Array.from({ length: rounds }, () => films).flat();
    await classify(films);
    const ours = await classify(many);
    const ourRate = (many.length * 1000) / ours.wallMs;

    if (python?.code === 0) {
      await againstProcesses(films.slice(0, quick ? 1 : 4), { network, classify, tell });
      const service = await resident(network, quick ? films : many.slice(0, 40));
      tell({
        what: `classify of ${many.length} films against a resident Python service (pydicom, gdcm, PyTorch float32)`,
        measured: rate(ourRate),
        baseline: rate(service.perSecond),
        value: ourRate / service.perSecond,
        note: 'ours starts, loads the model and finds the thorax within that time; the service is warm, and reads paths, not a network',
      });
      tell({
        what: 'peak memory of the two',
        measured: mebibytes(ours.peakBytes),
        baseline: mebibytes(service.peakBytes),
        value: ours.peakBytes / service.peakBytes,
      });
    } else {
      tell({
        what: 'Python baselines',
        measured: 'not measured',
        baseline: 'python3-torch, python3-onnx or python3-pydicom is not installed',
        value: null,
      });
    }
    const few = films.slice(0, quick ? 1 : 4);
    const lone = await classify(few);
    const second = await classify(few, '--engine', 'tfjs');
    tell({
      what: `the default engine against the second one (tfjs), ${few.length} films from process start`,
      measured: ms(lone.wallMs),
      baseline: `${ms(second.wallMs)}, ${mebibytes(second.peakBytes)} instead of ${mebibytes(lone.peakBytes)}`,
      value: second.wallMs / lone.wallMs,
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function existing(syntaxes: readonly Syntax[]): Promise<string[]> {
  const found = await Promise.all(syntaxes.map((syntax) => filmFile(1, syntax)));
  return found.filter((file) => file !== undefined);
}

/** A process a film, theirs and ours, in turns. */
async function againstProcesses(
  films: readonly string[],
  {
    network,
    classify,
    tell,
  }: {
    network: string;
    classify: (paths: readonly string[]) => Promise<{ wallMs: number; peakBytes: number }>;
    tell: (row: Row) => void;
  },
): Promise<void> {
  const wall = { theirs: [] as number[], ours: [] as number[] };
  const peak = { theirs: 0, ours: 0 };
  for (const film of films) {
    const theirs = await mustRun(PYTHON, [join(SCRIPTS, 'once.py'), network, film], { watchMemory: true });
    const ours = await classify([film]);
    wall.theirs.push(theirs.wallMs);
    wall.ours.push(ours.wallMs);
    peak.theirs = Math.max(peak.theirs, theirs.peakBytes);
    peak.ours = Math.max(peak.ours, ours.peakBytes);
  }
  tell({
    what: 'a process for each film: classify against a Python script that loads the network each time',
    measured: `${ms(median(wall.ours))} a film`,
    baseline: `${ms(median(wall.theirs))} a film`,
    value: median(wall.theirs) / median(wall.ours),
  });
  tell({
    what: 'peak memory of the two',
    measured: mebibytes(peak.ours),
    baseline: mebibytes(peak.theirs),
    value: peak.ours / peak.theirs,
  });
}

/** The resident service on a warm network, one film after the other as it comes. */
async function resident(
  network: string,
  films: readonly string[],
): Promise<{ perSecond: number; peakBytes: number }> {
  const child = spawn(PYTHON, [join(SCRIPTS, 'resident.py'), network], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (film: string) => {
    child.stdin.write(`${film}\n`);
    const { value, done } = await lines.next();
    if (done === true || !String(value).includes('label')) throw new Error('the Python service ended');
  };
  try {
    await lines.next();
    for (const film of films.slice(0, 2)) await ask(film);
    const began = performance.now();
    for (const film of films) await ask(film);
    const perSecond = (films.length * 1000) / (performance.now() - began);
    return { perSecond, peakBytes: peakOf(child.pid ?? 0) };
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}
