import { loadModel } from '../src/ai/classify.ts';
import { median } from './timing.ts';

/** Median milliseconds of one pass of one film with all cores: the unit that latencies are told in. */
export async function inferenceMs(directory: string, runs: number): Promise<number> {
  const model = await loadModel(directory);
  const pixels = Uint8Array.from({ length: 512 * 512 }, (_, i) => (i * 31) % 251);
  const found: number[] = [];
  for (let run = -2; run < runs; run += 1) {
    const [activations] = await model.activate([{ picture: { width: 512, height: 512, pixels } }]);
    if (run >= 0 && activations !== undefined) found.push(activations.timings.infer);
  }
  await model.close();
  return median(found);
}
