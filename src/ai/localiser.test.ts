import assert from 'node:assert/strict';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { drawPhantom } from '../dicom/phantom/draw.ts';
import { type ModelFolder, readModelFolder } from './folder.ts';
import { openLocaliser, type Thorax } from './localiser.ts';
import type { Raster } from './resample.ts';

const SHARE_CUT = 0.15;
const folder = await readModelFolder(
  path.resolve(import.meta.dirname, '../../models/pneumonia-inception-v3'),
);

/** A chest whose plate lost SHARE_CUT of every side: the thorax reaches beyond it. */
function cutPlate(): Raster {
  const { width, height, pixels } = drawPhantom({ width: 512, height: 512, bits: 8, subject: 'child' });
  const start = Math.round(SHARE_CUT * height) * width + Math.round(SHARE_CUT * width);
  const kept = 1 - 2 * SHARE_CUT;
  const raster = { width: Math.round(kept * width), height: Math.round(kept * height), stride: width, start };
  return { ...raster, pixels: Float32Array.from(pixels) };
}

/** Where the shipped localiser finds the thorax if the manifest gives `largest`. */
async function found(t: TestContext, largest: number | undefined): Promise<Thorax> {
  const { input } = folder.manifest;
  const localiser = { width: 64, height: 64, enlarge: 1.16, ...(largest === undefined ? {} : { largest }) };
  const framing = { ...input.framing, localiser };
  const model: ModelFolder = { ...folder, manifest: { ...folder.manifest, input: { ...input, framing } } };
  const opened = await openLocaliser(model, { threads: 1 });
  t.after(() => opened.close());
  const [thorax] = await opened.find([cutPlate()]);
  assert.ok(thorax);
  return thorax;
}

test('a thorax that reaches beyond its plate is framed beyond it', async (t) => {
  const { box, believed } = await found(t, undefined);
  const { width } = cutPlate();
  assert.equal(believed, true);
  assert.ok(box.x1 - box.x0 > width, `${box.x0} to ${box.x1} of ${width}`);
});

test('a thorax larger than the manifest allows is not believed, and the middle of the film is taken', async (t) => {
  const { box, believed } = await found(t, 1);
  const { width, height } = cutPlate();
  assert.equal(believed, false);
  assert.deepEqual(box, { x0: 0.07 * width, y0: 0.07 * height, x1: 0.93 * width, y1: 0.93 * height });
});
