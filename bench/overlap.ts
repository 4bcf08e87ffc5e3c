import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openNetwork } from '../src/ai/engine/network.ts';
import { FEATURES, MAP_SIDE } from '../src/ai/folder.ts';
import { createDecoder } from '../src/dicom/film/decode/decoder.ts';
import { openFilm } from '../src/dicom/film/open.ts';
import { ahead } from '../src/reading/ahead.ts';
import { mustRun, PROGRAM } from './child.ts';
import { mixedFolder } from './films.ts';
import { MODEL } from './model.ts';
import { type BenchOptions, mebibytes, type Row, rate, round } from './row.ts';
import { childrenProcessorMs, ownProcessorMs } from './timing.ts';

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

    const halves = quick ? files : files.slice(0, 200);
    const decode = await decodeAlone(halves);
    const infer = await inferAlone(quick ? 8 : 200);
    const whole = await commandAlone(base, count);
    const reports = await commandAlone([...base, '--out', join(scratch, 'out')], count);

    const slower = Math.min(decode.perSecond, infer.perSecond);
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
    tell({
      what: 'the same against the slower half with all cores for itself',
      measured: rate(whole.perSecond),
      baseline: `${rate(slower)} (${halvesText})`,
      value: (100 * whole.perSecond) / slower,
      target: { least: 90, unit: '%' },
    });
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

interface Alone {
  readonly perSecond: number;
  /** Processor milliseconds a film. */
  readonly cpuMs: number;
}

/** Films to display-ready pictures, as many at once as `classify` has under way. */
async function decodeAlone(files: readonly string[]): Promise<Alone> {
  const limit = 3 * availableParallelism();
  const decoder = createDecoder({ limits: { waiting: limit } });
  const open = async (file: string) => openFilm(await readFile(file), { decoder });
  try {
    await Promise.all(files.slice(0, limit).map(open));
    return await measured(files.length, async () => {
      for await (const _film of ahead(files, open, limit)) void _film;
    });
  } finally {
    await decoder.close();
  }
}

/** The backbone on prepared tensors, a pass a core. */
async function inferAlone(count: number): Promise<Alone> {
  const network = await openNetwork(
    {
      bytes: await readFile(join(MODEL, 'backbone.onnx')),
      input: { name: 'image', shape: [1, 299, 299] },
      outputs: { features: { shape: [FEATURES] }, featureMap: { shape: [FEATURES, MAP_SIDE, MAP_SIDE] } },
    },
    {},
  );
  const picture = Float32Array.from({ length: 299 * 299 }, (_, i) => ((i * 31) % 255) / 255);
  const run = (films: number) =>
    Promise.all(
      Array.from({ length: network.lanes }, async (_, lane) => {
        for (let n = lane; n < films; n += network.lanes) await network.run(picture, 1);
      }),
    );
  try {
    await run(4);
    return await measured(count, () => run(count));
  } finally {
    await network.close();
  }
}

async function measured(films: number, work: () => Promise<unknown>): Promise<Alone> {
  const before = ownProcessorMs();
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  return { perSecond: films / seconds, cpuMs: (ownProcessorMs() - before) / films };
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
