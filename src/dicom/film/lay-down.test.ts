import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layDown } from './lay-down.ts';

const upright = { swap: false, flipColumns: false, flipRows: false };
const cells = { rows: 3, columns: 5, samples: Uint8Array.from({ length: 15 }, (_, i) => 10 + i) };
const identity = Uint8Array.from({ length: 256 }, (_, cell) => cell);

test('cells that are greys already are laid down as they are, turned or not, visible or black', () => {
  // Two stretches in the middle row, none in the last.
  const visible = (row: number) =>
    [
      [[0, 5]],
      [
        [1, 2],
        [3, 5],
      ],
      [],
    ][row] as [number, number][];
  assert.deepEqual(
    [...layDown(cells, identity, upright, visible).pixels],
    [10, 11, 12, 13, 14, 0, 16, 0, 18, 19, 0, 0, 0, 0, 0],
  );
  const turned = layDown(cells, identity, { ...upright, flipColumns: true }, visible);
  assert.deepEqual([...turned.pixels], [14, 13, 12, 11, 10, 19, 18, 0, 16, 0, 0, 0, 0, 0, 0]);
});

test('the picture is never a view of the cells, whose memory is used again', () => {
  const { pixels } = layDown(cells, identity, upright, undefined);
  assert.deepEqual([...pixels], [...cells.samples]);
  assert.notEqual(pixels.buffer, cells.samples.buffer);
});

test('one cell that is shown otherwise is shown otherwise', () => {
  const table = identity.slice();
  table[12] = 200;
  assert.equal(layDown(cells, table, upright, undefined).pixels[2], 200);
});
