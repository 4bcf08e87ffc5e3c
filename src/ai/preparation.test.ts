import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { readModelFolder } from './folder.ts';
import { cut, trim } from './framing.ts';
import { openPreparation } from './preparation.ts';
import { type Raster, resample } from './resample.ts';
import { normalise } from './tensor.ts';

const root = path.resolve(import.meta.dirname, '../..');
const parity = path.join(root, 'training/parity');
const model = path.join(root, 'models/pneumonia-inception-v3');
const TOLERANCE = 1e-4;

interface Vector {
  readonly picture: {
    readonly width: number;
    readonly height: number;
    readonly a: number;
    readonly b: number;
    readonly c: number;
    readonly border: { left: number; top: number; right: number; bottom: number; value: number } | null;
  };
  readonly trim: [number, number, number, number];
  readonly every: number;
  readonly fixedBox: { box: [number, number, number, number]; resampled: number[]; normalised: number[] };
  readonly prepared?: {
    box: [number, number, number, number];
    believed: boolean;
    tensor: number[];
    cells: number[];
  };
}

/** The picture of a parity vector (training/PREPROCESSING.md), in our range 0..255. */
function draw({ width, height, a, b, c, border }: Vector['picture']): Raster {
  const pixels = Float32Array.from({ length: width * height }, (_, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    if (
      border &&
      (y < border.top || y >= height - border.bottom || x < border.left || x >= width - border.right)
    ) {
      return border.value * 255;
    }
    const value =
      0.5 +
      0.25 * Math.sin(a * x + b * y) +
      0.15 * Math.cos((c * x * y) / 1000) +
      (0.1 * ((7 * x + 13 * y) % 11)) / 11 -
      0.05;
    return Math.min(1, Math.max(0, value)) * 255;
  });
  return { width, height, pixels };
}

function close(found: ArrayLike<number>, wanted: readonly number[], every: number, factor = 1): void {
  wanted.forEach((value, i) => {
    const mine = (found[i * every] as number) * factor;
    assert.ok(Math.abs(mine - value) < TOLERANCE, `value ${i}: ${mine} and ${value}`);
  });
}

for (const file of (await readdir(parity)).filter((name) => name.endsWith('.json'))) {
  const vector = JSON.parse(await readFile(path.join(parity, file), 'utf8')) as Vector;

  test(`${file}: borders, box and contrast are those of the training`, async () => {
    const { manifest } = await readModelFolder(model);
    const picture = draw(vector.picture);
    const border = trim(picture, manifest.input.framing.trim);
    assert.deepEqual([border.x0, border.y0, border.x1, border.y1], vector.trim);
    const [x0, y0, x1, y1] = vector.fixedBox.box;
    const { width, height } = manifest.input;
    const resampled = resample(cut(picture, border), { x0, y0, x1, y1 }, width, height);
    close(resampled, vector.fixedBox.resampled, vector.every, 1 / 255);
    close(normalise(resampled, manifest.input.contrast), vector.fixedBox.normalised, vector.every);
  });

  test(`${file}: the whole preparation gives the tensor of the training`, async (t) => {
    if (vector.prepared === undefined) {
      t.skip('the parity vectors hold no tensor of the localiser');
      return;
    }
    const preparation = await openPreparation(await readModelFolder(model), { threads: 1 });
    t.after(() => preparation.close());
    const [prepared] = await preparation.prepare([draw(vector.picture)]);
    assert.ok(prepared);
    assert.equal(prepared.framed, vector.prepared.believed);
    const { x0, y0, x1, y1 } = prepared.box;
    [x0, y0, x1, y1].forEach((edge, i) => {
      const wanted = vector.prepared?.box[i] as number;
      assert.ok(Math.abs(edge - wanted) < 0.01, `edge ${i}: ${edge} and ${wanted}`);
    });
    close(prepared.tensor, vector.prepared.tensor, vector.every);
    close(prepared.cells, vector.prepared.cells, 1);
  });
}
