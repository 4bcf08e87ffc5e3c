import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GrayPicture } from '../dicom/film/film.ts';
import { resample } from './resample.ts';

function picture(width: number, height: number, value: (x: number, y: number) => number): GrayPicture {
  const pixels = Uint8Array.from({ length: width * height }, (_, i) =>
    value(i % width, Math.floor(i / width)),
  );
  return { width, height, pixels };
}

/** The definition, pixel by pixel: triangle weights of half-width max(scale, 1), edge pixels repeated. */
function byDefinition({ width, height, pixels }: GrayPicture, box: number[], size: number): number[] {
  const [x0, y0, x1, y1] = box as [number, number, number, number];
  const line = (start: number, end: number, i: number) => {
    const scale = (end - start) / size;
    const support = Math.max(scale, 1);
    const centre = start + (i + 0.5) * scale;
    const taps: [number, number][] = [];
    for (let k = Math.floor(centre - support) - 2; k <= centre + support + 2; k += 1) {
      taps.push([k, Math.max(0, 1 - Math.abs(k + 0.5 - centre) / support)]);
    }
    const sum = taps.reduce((total, [, weight]) => total + weight, 0);
    return taps.map(([k, weight]) => [k, weight / sum] as const);
  };
  const clamp = (k: number, length: number) => Math.min(Math.max(k, 0), length - 1);
  const out: number[] = [];
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      let sum = 0;
      for (const [row, vertical] of line(y0, y1, y)) {
        for (const [column, horizontal] of line(x0, x1, x)) {
          sum += vertical * horizontal * (pixels[clamp(row, height) * width + clamp(column, width)] ?? 0);
        }
      }
      out.push(sum);
    }
  }
  return out;
}

const textured = picture(97, 83, (x, y) => (x * 37 + y * 101 + ((x * y) % 29) * 7) % 256);

for (const [name, box] of [
  ['the whole picture, made smaller', [0, 0, 97, 83]],
  ['a part with edges between pixels, made smaller', [3.3, 5.8, 90.1, 80.4]],
  ['a part made larger', [40, 30, 48.5, 41]],
  ['a box that reaches beyond the picture on all sides', [-12.5, -7, 120, 95.25]],
  ['a box that is wide and flat', [0, 60, 97, 66]],
] as const) {
  test(`resampling ${name} follows the definition of the triangle filter`, () => {
    const size = 21;
    const [x0, y0, x1, y1] = box;
    const found = resample(textured, { x0, y0, x1, y1 }, size, size);
    const wanted = byDefinition(textured, [...box], size);
    for (const [i, value] of found.entries()) {
      assert.ok(Math.abs(value - (wanted[i] as number)) < 1e-3, `value ${i}: ${value} and ${wanted[i]}`);
    }
  });
}

test('an even picture stays even, whatever the box', () => {
  const even = picture(640, 480, () => 200);
  for (const box of [
    { x0: 0, y0: 0, x1: 640, y1: 480 },
    { x0: -100, y0: 20, x1: 700, y1: 500 },
    { x0: 10, y0: 10, x1: 30, y1: 30 },
  ]) {
    for (const value of resample(even, box, 299, 299)) assert.ok(Math.abs(value - 200) < 1e-3);
  }
});
