import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cellsShown, pooledFeatures, shareShown } from './cells.ts';

const picture = { width: 80, height: 160 };

test('a box within the picture is film in every cell, one beside it in those that reach onto it', () => {
  assert.ok(
    cellsShown(picture, { x0: 0, y0: 0, x1: 80, y1: 160 }).every((share) => Math.abs(share - 1) < 1e-12),
  );
  // Cells of 10 by 20 pixels; the first column and a half lie left of the picture, the last row below.
  const cells = cellsShown(picture, { x0: -15, y0: 20, x1: 65, y1: 180 });
  for (const [i, share] of cells.entries()) {
    const [column, row] = [i % 8, Math.floor(i / 8)];
    const across = column === 0 ? 0 : column === 1 ? 0.5 : 1;
    assert.ok(Math.abs(share - across * (row === 7 ? 0 : 1)) < 1e-12, `cell ${column}, ${row}: ${share}`);
  }
  assert.ok(Math.abs(shareShown(cells) - (6.5 * 7) / 64) < 1e-12);
});

test('what is not film has no say in the features', () => {
  const cells = cellsShown(picture, { x0: -40, y0: 0, x1: 40, y1: 160 });
  const map = new Float32Array(2 * 64);
  for (let i = 0; i < 64; i += 1) {
    // 1000 outside of the film; on it 3 in the first plane, the row in the second.
    map[i] = i % 8 < 4 ? 1000 : 3;
    map[64 + i] = i % 8 < 4 ? -1000 : Math.floor(i / 8);
  }
  assert.deepEqual([...pooledFeatures(map, cells)], [3, 3.5]);
});
