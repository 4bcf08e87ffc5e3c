import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DicomDataset } from '../dataset.ts';
import { element } from '../phantom/header.ts';
import { chance } from '../phantom/random.ts';
import { common, shutter } from './shutter.ts';

type Stretches = [number, number][];

/** Stretches between 0 and 400, ascending and apart. */
function drawn(seed: number): Stretches {
  const { next } = chance(seed);
  const found: Stretches = [];
  for (let at = Math.floor(9 * next()); at < 400; ) {
    const end = at + 1 + Math.floor(9 * next());
    found.push([at, end]);
    at = end + Math.floor(5 * next());
  }
  return found;
}

const columns = (stretches: readonly (readonly [number, number])[]) =>
  stretches.flatMap(([start, end]) => Array.from({ length: end - start }, (_, at) => start + at));

test('what two rows of stretches have in common are the columns that are in both', () => {
  for (let seed = 1; seed < 200; seed++) {
    const [one, other] = [drawn(seed), drawn(seed + 1000)];
    const inOther = new Set(columns(other));
    assert.deepEqual(
      columns(common(one, other)),
      columns(one).filter((column) => inOther.has(column)),
    );
  }
  assert.deepEqual(common([], [[1, 2]]), []);
  const many: Stretches = Array.from({ length: 500_000 }, (_, at) => [2 * at, 2 * at + 1]);
  assert.deepEqual(common(many, many), many);
});

/** A polygon that goes up and down, with so many corners. */
function zigzag(corners: number): DicomDataset {
  const vertices = Array.from({ length: corners }, (_, at) => [
    at % 2 === 0 ? 0 : 101,
    1 + Math.floor((at * 200) / corners),
  ]);
  return {
    '00181600': element('CS', 'POLYGONAL'),
    '00181620': { vr: 'IS', Value: vertices.flat() },
  };
}

test('a polygon of many corners gives whole columns, ascending and apart; one of more than anybody draws none', () => {
  const visible = shutter(zigzag(256), 100, 200);
  assert.ok(visible !== undefined);
  for (let row = 0; row < 100; row++) {
    let last = 0;
    for (const [start, end] of visible(row)) {
      assert.ok(
        Number.isInteger(start) && Number.isInteger(end) && last <= start && start < end && end <= 200,
      );
      last = end;
    }
  }
  assert.equal(shutter(zigzag(257), 100, 200), undefined);
});
