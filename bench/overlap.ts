import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun, PROGRAM } from './child.ts';
import { mixedFolder } from './films.ts';
import type { Half } from './half.ts';
import { canPin } from './pinned.ts';
import { type BenchOptions, mebibytes, type Row, rate, round } from './row.ts';
import { childrenProcessorMs } from './timing.ts';

/**
 * `classify` over a folder of mixed films, against its two halves alone on the same cores: films to pictures
 * without the network, and the network without films.
 */
export async function benchOverlap({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  const count = quick ? 20 : 500;
  const { folder, files } = await mixedFolder(count);
  const cores = availableParallelism();
  const scratch = await mkdtemp(join(tmpdir(), 'deep-health-overlap-'));
  try {
    const config = join(scratch, 'deep-health.yaml');
    await writeFile(config, `storage:\n  folder: ${scratch}\n`);
    const base = ['classify', folder, '--json', '--config', config];
    // Everything is in the page cache before the first measurement.
    for (const file of files.slice(0, 40)) await readFile(file);

    const some = quick ? count : 200;
    const passes = quick ? 8 : some;
    const decode = await half('decode', folder, some);
    const infer = await half('infer', folder, passes);
    const split = cores === 2 && (await canPin());
    // At the same time: two cores of a cloud machine are often two threads of one.
    const [decodeOne, inferOne] = split
      ? await Promise.all([half('decode', folder, some, 0), half('infer', folder, passes, 1)])
      : [];
    const whole = await commandAlone(base, count);
    const reports = await commandAlone([...base, '--out', join(scratch, 'out')], count);

    const together = 1 / (1 / decode.perSecond + 1 / infer.perSecond);
    const halvesText = `decode ${rate(decode.perSecond)}, infer ${rate(infer.perSecond)}`;
    tell({
      what: `classify of ${count} mixed films against what both halves leave of ${cores} cores`,
      measured: rate(whole.perSecond),
      baseline: `${rate(together)} (${halvesText}, one after the other on all cores)`,
      value: (100 * whole.perSecond) / together,
      target: { least: 90, unit: '%' },
      note: 'The halves take all cores each when they run alone, so together they cannot be as fast as the slower one; 100 % is no idle core and nothing done twice. The command also starts, prepares tensors and prints, which the halves do not.',
    });
    if (decodeOne !== undefined && inferOne !== undefined) {
      const slower = Math.min(decodeOne.perSecond, inferOne.perSecond);
      const both = Math.min(decode.perSecond, infer.perSecond);
      tell({
        what: 'the same against the slower half, a core for each half',
        measured: rate(whole.perSecond),
        baseline: `${rate(slower)} (decode ${rate(decodeOne.perSecond)}, infer ${rate(inferOne.perSecond)}, each on one core, at the same time)`,
        value: (100 * whole.perSecond) / slower,
        target: { least: 90, unit: '%' },
        note: `Against the slower half with both cores for itself it is ${round((100 * whole.perSecond) / both)} %, which no two halves reach that both need the processor.`,
      });
    }
    tell({
      what: 'processor time over wall time and cores, while it runs',
      measured: `${round(whole.cpuMs / whole.wallMs)} of ${cores} cores`,
      baseline: '',
      value: (100 * whole.cpuMs) / whole.wallMs / cores,
      target: { least: 90, unit: '%' },
    });
    tell({
      what: 'processor time a film: whole command, decode alone, inference alone',
      measured: `${round(whole.cpuMs / count)} ms`,
      baseline: `${round(decode.cpuMs)} ms, ${round(infer.cpuMs)} ms`,
      value: whole.cpuMs / count / (decode.cpuMs + infer.cpuMs),
    });
    tell({
      what: 'with --out (SR, heat map, ORU, JSON of each film)',
      measured: rate(reports.perSecond),
      baseline: `${rate(whole.perSecond)} without`,
      value: reports.perSecond / whole.perSecond,
    });
    tell({
      what: `peak memory of classify over ${count} films`,
      measured: mebibytes(reports.peakBytes),
      baseline: '',
      value: null,
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** One half, in a process of its own, on one core where that is given. */
async function half(which: 'decode' | 'infer', folder: string, films: number, core?: number): Promise<Half> {
  const script = fileURLToPath(new URL('./half.ts', import.meta.url));
  const command = [process.execPath, script, which, folder, String(films)];
  const [program = '', ...args] = core === undefined ? command : ['taskset', '-c', String(core), ...command];
  const { stdout } = await mustRun(program, args);
  return JSON.parse(stdout) as Half;
}

async function commandAlone(args: readonly string[], count: number) {
  const before = childrenProcessorMs();
  const ended = await mustRun(process.execPath, [PROGRAM, ...args], { watchMemory: true });
  const read = ended.stdout.split('\n').filter((line) => line.includes('"probabilities"')).length;
  if (read !== count) throw new Error(`${read} of ${count} films were read: ${ended.stdout.slice(0, 500)}`);
  return {
    perSecond: (count * 1000) / ended.wallMs,
    wallMs: ended.wallMs,
    cpuMs: childrenProcessorMs() - before,
    peakBytes: ended.peakBytes,
  };
}
