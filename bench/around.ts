/**
 * The way around it: processor time of a film of everything but the network (read, parse, decode, grayscale,
 * framing, tensor; heat map, Structured Reports, Secondary Capture, ORU), one row a transfer syntax. Worker
 * threads count. `npm run bench -- --only around`
 *
 * Baselines in the same run: copying the film's pixels once in memory, the whole picture decoded by the same
 * decoder, and the command line decoder of dcmtk or gdcm with its start and its file writing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModelFolder } from '../src/ai/folder.ts';
import { openPreparation } from '../src/ai/preparation.ts';
import { LABELS } from '../src/ai/reading.ts';
import { requireConfig } from '../src/config/require.ts';
import { createDecoder } from '../src/dicom/film/decode/decoder.ts';
import { openFilm } from '../src/dicom/film/open.ts';
import { createFileMemory } from '../src/files/file-memory.ts';
import { makeMessage } from '../src/reading/message.ts';
import { makeResults } from '../src/reading/results.ts';
import { resultSettings } from '../src/reading/settings.ts';
import { reading } from '../test/fixtures/readings.ts';
import { frameOf } from '../test/peers/pixel-tools.ts';
import { runChild } from './child.ts';
import { FULL, filmFile, SYNTAXES, type Syntax } from './films.ts';
import { MODEL } from './model.ts';
import { type BenchOptions, ms, type Row } from './row.ts';
import { childrenProcessorMs, median, ownProcessorMs } from './timing.ts';

const MOST: Readonly<Record<Syntax, number>> = {
  uncompressed: 40,
  'jpeg-baseline': 40,
  rle: 60,
  'jpeg-lossless': 110,
  'jpeg-ls': 250,
  'jpeg-2000': 120,
  htj2k: 120,
};

/**
 * Films before the first that counts: a service is at work for months, and V8 compiles for the first dozen. What the
 * first film of a process costs is in `start`.
 */
const WARM = 12;

/** What decodes it at a command line, as radiologists' and admins' scripts do. */
const PEERS: Readonly<Record<Syntax, readonly [string, ...string[]] | undefined>> = {
  uncompressed: ['dcmconv', '+ti'],
  'jpeg-baseline': ['dcmdjpeg'],
  rle: ['dcmdrle'],
  'jpeg-lossless': ['dcmdjpeg'],
  'jpeg-ls': ['dcmdjpls'],
  'jpeg-2000': ['gdcmconv', '--raw'],
  // No tool of Debian takes it out of a DICOM file.
  htj2k: undefined,
};

/** A reading as the network's would be, so that results can be made without one. */
const READING = reading({
  label: 'viral-pneumonia',
  probabilities: { normal: 0.1, 'bacterial-pneumonia': 0.2, 'viral-pneumonia': 0.7 },
  applicability: { status: 'unknown', reasons: [] },
  model: { name: 'bench', version: '1.0.0', sha256: '0'.repeat(64) },
});

/** Tells one row a syntax, then where the time of an uncompressed film goes. */
export async function benchAround({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  const rounds = quick ? 3 : 15;
  const folder = await readModelFolder(MODEL);
  const config = requireConfig(null);
  const settings = resultSettings(config, folder.manifest, '0.0.0');
  const preparation = await openPreparation(folder, { threads: 1 });
  const decoder = createDecoder({ workers: 1 });
  const memory = createFileMemory();
  const scratch = await mkdtemp(join(tmpdir(), 'around-'));
  const parts: Record<string, number[]> = { 'read and open': [], prepare: [], results: [] };

  async function wayAround(path: string, clocked: boolean): Promise<void> {
    let last = ownProcessorMs();
    const clock = (part: string) => {
      const now = ownProcessorMs();
      if (clocked) parts[part]?.push(now - last);
      last = now;
    };
    const film = await memory.withFile(path, (bytes) => openFilm(bytes, { decoder }));
    clock('read and open');
    const [prepared] = await preparation.prepare([film.picture]);
    if (prepared === undefined) throw new Error('nothing was prepared');
    clock('prepare');
    const values = Float32Array.from({ length: 64 }, (_, i) => 6 * Math.sin(i));
    const maps = [{ label: LABELS[2], width: 8, height: 8, values, box: prepared.box }] as const;
    const results = makeResults([{ film, outcome: { reading: READING, maps } }], settings, {
      analysedAt: new Date(0),
    });
    makeMessage(results, { receiver: null, corrects: false, createdAt: new Date(0) });
    clock('results');
  }

  try {
    for (const syntax of SYNTAXES) {
      const path = await filmFile(1, syntax);
      if (path === undefined) {
        tell({ what: `${syntax}: its encoder is not installed`, measured: '', baseline: '', value: null });
        continue;
      }
      const frame = frameOf(path);
      const pixels = new Uint8Array((FULL.width * FULL.height * frame.format.bitsAllocated) / 8);
      const copy = new Uint8Array(pixels.length);
      const costs = { way: [] as number[], whole: [] as number[], copy: [] as number[] };
      for (let round = -WARM; round < rounds; round += 1) {
        const way = await costOf(() => wayAround(path, round >= 0 && syntax === 'uncompressed'));
        // Given back, or the collector's work for it would count for the next film.
        const whole = await costOf(async () => decoder.release(await decoder.decode(frame)));
        const copied = await costOf(async () => copy.set(pixels));
        if (round < 0) continue;
        costs.way.push(way);
        costs.whole.push(whole);
        costs.copy.push(copied);
      }
      const peer = await peerCost(PEERS[syntax], path, join(scratch, 'decoded.dcm'), quick ? 1 : 5);
      const [way, whole, copied] = [median(costs.way), median(costs.whole), median(costs.copy)];
      tell({
        what: `${syntax}: a film of 2,500 × 2,048`,
        measured: ms(way),
        baseline: [
          `one copy of the pixels ${ms(copied)}`,
          ...(syntax === 'uncompressed' ? [] : [`every pixel decoded ${ms(whole)}`]),
          ...(peer === undefined ? [] : [`${PEERS[syntax]?.[0]} ${ms(peer)}`]),
        ].join(', '),
        value: way,
        target: { most: MOST[syntax], unit: 'ms' },
        note: `least ${ms(Math.min(...costs.way))}`,
      });
    }
    for (const [part, spent] of Object.entries(parts)) {
      const value = median(spent);
      tell({ what: `uncompressed, of it: ${part}`, measured: ms(value), baseline: '', value });
    }
  } finally {
    await Promise.all([decoder.close(), preparation.close(), rm(scratch, { recursive: true, force: true })]);
  }
}

/** Processor milliseconds of this process, threads included. */
async function costOf(work: () => Promise<unknown>): Promise<number> {
  const before = ownProcessorMs();
  await work();
  return ownProcessorMs() - before;
}

/** Mean processor milliseconds of a command line decoder; undefined where it is not installed. */
async function peerCost(
  peer: readonly [string, ...string[]] | undefined,
  from: string,
  to: string,
  runs: number,
): Promise<number | undefined> {
  if (peer === undefined) return undefined;
  const [tool, ...options] = peer;
  const before = childrenProcessorMs();
  for (let run = 0; run < runs; run += 1) {
    const ended = await runChild(tool, [...options, from, to]).catch(() => undefined);
    if (ended?.code !== 0) return undefined;
  }
  return (childrenProcessorMs() - before) / runs;
}
