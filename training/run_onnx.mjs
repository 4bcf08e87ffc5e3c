// Runs a network of this folder with onnxruntime-node over views of films.
//
//   node run_onnx.mjs MODEL.onnx TENSORS.f32 CELLS.f32 FEATURES.f32 [--batch 8] [--threads 2]
//
// All float32 little endian, one view after the other: TENSORS.f32 [N,1,299,299], CELLS.f32 [N,8,8], how much
// of each cell of the feature map is film. FEATURES.f32 [N,2048] gets the means of the feature map weighted so.
// Prints a JSON line with the number of views and views per second.
// DH_ORT: folder whose node_modules holds onnxruntime-node (default: this checkout).

import { open, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';

const SHAPE = [1, 299, 299];
const EACH = 299 * 299;
const FEATURES = 2048;
const AREA = 8 * 8;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
  },
});
const [model, tensorsFile, cellsFile, featuresFile] = positionals;
const home = process.env.DH_ORT ?? path.resolve(import.meta.dirname, '..');
const ort = createRequire(path.join(home, 'package.json'))('onnxruntime-node');

const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: Number(values.threads),
});
const cells = new Float32Array(new Uint8Array(await readFile(cellsFile)).buffer);
const count = cells.length / AREA;
const features = new Float32Array(count * FEATURES);
const input = await open(tensorsFile);
let seconds = 0;
for (let at = 0; at < count; at += Number(values.batch)) {
  const size = Math.min(Number(values.batch), count - at);
  const pictures = new Float32Array(size * EACH);
  await input.read(new Uint8Array(pictures.buffer), 0, pictures.byteLength, at * EACH * 4);
  const tensor = new ort.Tensor('float32', pictures, [size, ...SHAPE]);
  const started = performance.now();
  const { featureMap } = await session.run({ image: tensor }, ['featureMap']);
  seconds += (performance.now() - started) / 1000;
  for (let n = 0; n < size; n += 1) average(featureMap.data, n, at + n);
}
await input.close();
await writeFile(featuresFile, new Uint8Array(features.buffer));
console.log(JSON.stringify({ count, filmsPerSecond: +(count / seconds).toFixed(1) }));

// Features of view `view`, whose feature map is the n-th of `maps`.
function average(maps, n, view) {
  const shares = cells.subarray(view * AREA, (view + 1) * AREA);
  const sum = shares.reduce((total, share) => total + share, 0);
  for (let k = 0; k < FEATURES; k += 1) {
    const plane = (n * FEATURES + k) * AREA;
    let weighted = 0;
    for (let i = 0; i < AREA; i += 1) weighted += maps[plane + i] * shares[i];
    features[view * FEATURES + k] = weighted / sum;
  }
}
