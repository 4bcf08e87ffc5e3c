import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processors } from '../../machine/processors.ts';
import { MOST_LANES, type NetworkFile, openNetwork } from './network.ts';

/** How the threads of the engine are used on this machine. */
export interface EngineChoice {
  readonly threads: number;
  /** Passes side by side. */
  readonly lanes: number;
}

export interface MeasuredChoice extends EngineChoice {
  /** What it gave when it was measured. */
  readonly filmsPerSecond: number;
}

const ROUNDS = 3;
/** Another way than the one before must bring so much: it takes more memory, and the machine may be busy meanwhile. */
const WORTH = 1.1;

/**
 * Tries the ways to share the processor between passes and takes the one that reads the most films a second.
 * It takes about a second. All of them give the same bytes: only the time is chosen here (docs/decisions/0114).
 */
export async function measureEngine<Output extends string>(
  file: NetworkFile<Output>,
  cores = processors(),
): Promise<MeasuredChoice> {
  let best: MeasuredChoice | undefined;
  for (const choice of candidates(cores)) {
    const filmsPerSecond = await rateOf(file, choice);
    if (best === undefined || filmsPerSecond > best.filmsPerSecond * WORTH)
      best = { ...choice, filmsPerSecond };
  }
  if (best === undefined) throw new Error('there is always a candidate');
  return best;
}

/** One pass on all cores; more, each with its share of them, which takes 80 MB a pass; half of the cores, where two are one. */
function candidates(cores: number): EngineChoice[] {
  const found: EngineChoice[] = [];
  for (const threads of cores >= 4 ? [cores, cores >> 1] : [cores]) {
    for (let lanes = 1; lanes <= Math.min(threads, MOST_LANES); lanes <<= 1) found.push({ threads, lanes });
  }
  return found;
}

async function rateOf<Output extends string>(
  file: NetworkFile<Output>,
  choice: EngineChoice,
): Promise<number> {
  const network = await openNetwork(file, { ...choice, engine: 'onnx' });
  try {
    const length = file.input.shape.reduce((product, side) => product * side, 1);
    const input = Float32Array.from({ length }, (_, i) => ((i * 31) % 255) / 255);
    const passes = (count: number) =>
      Promise.all(
        Array.from({ length: choice.lanes }, async () => {
          for (let n = 0; n < count; n += 1) await network.run(input, 1);
        }),
      );
    await passes(1);
    const began = performance.now();
    await passes(ROUNDS);
    return (ROUNDS * choice.lanes * 1000) / (performance.now() - began);
  } finally {
    await network.close();
  }
}

/**
 * The same in a process of its own, because what trying takes in memory would stay with this one. On one core
 * there is nothing to try; a measurement that fails costs nothing but the choice.
 *
 * @param directory of the model
 * @returns undefined when there is no choice or it could not be made
 */
export async function measureApart(directory: string): Promise<MeasuredChoice | undefined> {
  if (candidates(processors()).length === 1) return undefined;
  const script = fileURLToPath(new URL('./measure.ts', import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, directory], { timeout: 60_000 });
    return JSON.parse(stdout) as MeasuredChoice;
  } catch {
    return undefined;
  }
}

/** Where the choice is kept in a data folder. */
export function engineFile(dataFolder: string): string {
  return join(dataFolder, 'engine.json');
}

/**
 * What was measured on this machine before, for this network and this onnxruntime; undefined when it was not,
 * or the file cannot be read.
 *
 * @param file where it is kept
 * @param digest SHA-256 of the model
 */
export async function rememberedChoice(file: string, digest: string): Promise<MeasuredChoice | undefined> {
  const known = (await remembered(file))[machineKey(digest)];
  const whole = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0;
  return known && whole(known.threads) && whole(known.lanes) ? known : undefined;
}

/** Keeps what was measured. A folder that cannot be written is no failure: it is measured again next time. */
export async function rememberChoice(file: string, digest: string, choice: MeasuredChoice): Promise<void> {
  try {
    const all = { ...(await remembered(file)), [machineKey(digest)]: choice };
    const latest = Object.fromEntries(Object.entries(all).slice(-8));
    await mkdir(dirname(file), { recursive: true });
    const partial = `${file}.${process.pid}.partial`;
    await writeFile(partial, `${JSON.stringify(latest, null, 2)}\n`);
    await rename(partial, file);
  } catch {
    // Only time is lost.
  }
}

async function remembered(file: string): Promise<Record<string, MeasuredChoice | undefined>> {
  try {
    const found: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof found === 'object' && found !== null ? (found as Record<string, MeasuredChoice>) : {};
  } catch {
    return {};
  }
}

/** A data folder may move to another machine, a container may get other cores, and lanes had no threads once. */
function machineKey(digest: string): string {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return [
    cpus()[0]?.model ?? process.arch,
    processors(),
    `onnxruntime ${version}, a thread a lane`,
    digest,
  ].join(', ');
}
