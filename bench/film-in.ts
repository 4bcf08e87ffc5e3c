/**
 * Film in: what opening a film costs before the network sees it. `node bench/film-in.ts`
 *
 * Prints the least and the median of the processor time a film, in milliseconds, over phantoms of 2048 × 2500
 * pixels with 12 bits, uncompressed. Baseline (2026-11, 2 shared cores): parse 0.15 / 0.3, open 15 / 23.
 */
import { createDecoder } from '../src/dicom/film/decode/decoder.ts';
import { openFilm } from '../src/dicom/film/open.ts';
import { parseDicom } from '../src/dicom/film/parse.ts';
import { phantomFile } from '../src/dicom/phantom/file.ts';

const RUNS = 60;

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  const costs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / 1000);
  }
  costs.sort((a, b) => a - b);
  const [least = 0] = costs;
  const median = costs[RUNS >> 1] ?? 0;
  process.stdout.write(`${name}: ${least.toFixed(2)} / ${median.toFixed(2)} ms\n`);
}

const decoder = createDecoder({ workers: 1 });
const plain = phantomFile({ subject: 'adult' });
const inverted = phantomFile({ subject: 'adult', photometric: 'MONOCHROME1', view: 'PA' });
const turned = phantomFile({
  subject: 'adult',
  attributes: { '00200020': { vr: 'CS', Value: ['F', 'L'] } },
});
const windowless = phantomFile({ subject: 'adult', without: ['00281050', '00281051'] });
await measure('parse', () => parseDicom(plain));
await measure('open', () => openFilm(plain, { decoder }));
await measure('open, MONOCHROME1', () => openFilm(inverted, { decoder }));
await measure('open, turned by 90 degrees', () => openFilm(turned, { decoder }));
await measure('open, no window', () => openFilm(windowless, { decoder }));
await decoder.close();
