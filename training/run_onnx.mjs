// Runs an ONNX file of this folder with onnxruntime-node over a file of tensors.
//
//   node run_onnx.mjs MODEL.onnx INPUT.f32 OUTPUT.f32 [--output features] [--batch 8] [--threads 2]
//                     [--shape 1,299,299]
//
// INPUT.f32 holds float32 little endian pictures of `--shape` one after the other; OUTPUT.f32 gets
// the named output. Prints a JSON line with the number of pictures and pictures per second.
// DH_ORT: folder whose node_modules holds onnxruntime-node (default: this checkout).

import { open, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    output: { type: 'string', default: 'features' },
    input: { type: 'string', default: 'image' },
    batch: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    shape: { type: 'string', default: '1,299,299' },
  },
});
const [model, inputFile, outputFile] = positionals;
const home = process.env.DH_ORT ?? path.resolve(import.meta.dirname, '..');
const ort = createRequire(path.join(home, 'package.json'))('onnxruntime-node');

const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: Number(values.threads),
});
const shape = values.shape.split(',').map(Number);
const each = shape.reduce((product, side) => product * side, 1);
const input = await open(inputFile);
const count = (await input.stat()).size / 4 / each;
const chunks = [];
let seconds = 0;
for (let at = 0; at < count; at += Number(values.batch)) {
  const size = Math.min(Number(values.batch), count - at);
  const pictures = new Float32Array(size * each);
  await input.read(new Uint8Array(pictures.buffer), 0, pictures.byteLength, at * each * 4);
  const tensor = new ort.Tensor('float32', pictures, [size, ...shape]);
  const started = performance.now();
  const outputs = await session.run({ [values.input]: tensor }, [values.output]);
  seconds += (performance.now() - started) / 1000;
  chunks.push(Buffer.from(new Uint8Array(new Float32Array(outputs[values.output].data).buffer)));
}
await input.close();
await writeFile(outputFile, Buffer.concat(chunks));
console.log(JSON.stringify({ count, filmsPerSecond: +(count / seconds).toFixed(1) }));
