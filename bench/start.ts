import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, PROGRAM } from './child.ts';
import { filmFile } from './films.ts';
import { type BenchOptions, ms, type Row } from './row.ts';
import { median } from './timing.ts';

/** From the start of the process to the result on stdout. */
export async function benchStart({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  const rounds = quick ? 1 : 11;
  const scratch = await mkdtemp(join(tmpdir(), 'deep-health-start-'));
  try {
    const film = (await filmFile(1, 'uncompressed')) ?? '';
    const nothing = join(scratch, 'nothing.mjs');
    await writeFile(nothing, '');
    const wall = { bare: [] as number[], help: [] as number[], classify: [] as number[] };
    const bare = { load: [] as number[], infer: [] as number[] };
    const classify = [PROGRAM, 'classify', film, '--json'];
    // A folder without a config file: everything as it comes.
    const here = { cwd: scratch };
    // Node keeps compiled code; the first run of an installation makes it.
    await mustRun(process.execPath, classify, here);
    for (let round = 0; round < rounds; round += 1) {
      wall.bare.push((await mustRun(process.execPath, [nothing])).wallMs);
      wall.help.push((await mustRun(process.execPath, [PROGRAM, '--help'])).wallMs);
      wall.classify.push((await mustRun(process.execPath, classify, here)).wallMs);
      const alone = await mustRun(process.execPath, [join(import.meta.dirname, 'bare-inference.ts')]);
      const found = JSON.parse(alone.stdout) as { load: number; infer: number };
      bare.load.push(found.load);
      bare.infer.push(found.infer);
    }
    const load = median(bare.load);
    const infer = median(bare.infer);
    const least = load + infer;
    const took = median(wall.classify);
    tell({
      what: 'classify of one film (12 bits, 2,048 × 2,500), process start to result',
      measured: ms(took),
      baseline: `${ms(least)}: model load ${ms(load)} + one inference ${ms(infer)}`,
      value: took,
      target: { most: Math.round(1.2 * least + 300), unit: 'ms' },
      note: `the target is 1.2 × baseline + 300 ms; it is ${(took / (1.2 * least + 300)).toFixed(2)} of that. A Node.js that does nothing takes ${ms(median(wall.bare))} of it`,
    });
    tell({
      what: '--help over a Node.js that does nothing',
      measured: ms(median(wall.help)),
      baseline: ms(median(wall.bare)),
      value: median(wall.help) - median(wall.bare),
      target: { most: 150, unit: 'ms' },
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
