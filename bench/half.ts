/**
 * `node bench/half.ts decode|infer FOLDER N`: one half of what `classify` does to the first N films of a folder, alone, on
 * the cores that this process may use. Prints a `Half` as JSON.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openNetwork } from '../src/ai/engine/network.ts';
import { FEATURES, MAP_SIDE } from '../src/ai/folder.ts';
import { createDecoder } from '../src/dicom/film/decode/decoder.ts';
import { openFilm } from '../src/dicom/film/open.ts';
import { processors } from '../src/machine/processors.ts';
import { ahead } from '../src/reading/ahead.ts';
import { MODEL } from './model.ts';
import { ownProcessorMs } from './timing.ts';

const [which, folder = '', films = '0'] = process.argv.slice(2);
const found = which === 'decode' ? await decodeAlone() : await inferAlone(Number(films));
process.stdout.write(JSON.stringify(found));

/** What one half of reading a film reaches alone. */
export interface Half {
  readonly perSecond: number;
  /** Processor milliseconds a film. */
  readonly cpuMs: number;
}

/** Films to display-ready pictures, as many at once as `classify` has under way. */
async function decodeAlone(): Promise<Half> {
  const names = (await readdir(folder)).toSorted().slice(0, Number(films));
  const files = names.map((name) => join(folder, name));
  const limit = 3 * processors();
  const decoder = createDecoder({ limits: { waiting: limit } });
  const open = async (file: string) => openFilm(await readFile(file), { decoder });
  try {
    await Promise.all(files.slice(0, limit).map(open));
    return await measured(files.length, async () => {
      for await (const _film of ahead(files, { work: open, limit })) void _film;
    });
  } finally {
    await decoder.close();
  }
}

/** The backbone on prepared tensors, a pass a core. */
async function inferAlone(count: number): Promise<Half> {
  const network = await openNetwork(
    {
      bytes: await readFile(join(MODEL, 'backbone.onnx')),
      input: { name: 'image', shape: [1, 299, 299] },
      outputs: { featureMap: { shape: [FEATURES, MAP_SIDE, MAP_SIDE] } },
    },
    { many: true },
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

async function measured(films: number, work: () => Promise<unknown>): Promise<Half> {
  const before = ownProcessorMs();
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  return { perSecond: films / seconds, cpuMs: (ownProcessorMs() - before) / films };
}
