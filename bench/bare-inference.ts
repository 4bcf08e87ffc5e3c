/** A process that only loads the model and runs it once: what no start can be faster than. Prints milliseconds. */
import { loadModel } from '../src/ai/classify.ts';
import { MODEL } from './model.ts';

const began = performance.now();
const model = await loadModel(MODEL);
const loaded = performance.now();
const pixels = Uint8Array.from({ length: 512 * 512 }, (_, i) => (i * 31) % 251);
await model.activate([{ picture: { width: 512, height: 512, pixels } }]);
process.stdout.write(JSON.stringify({ load: loaded - began, infer: performance.now() - loaded }));
await model.close();
