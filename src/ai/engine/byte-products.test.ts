import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteProductsSaturate } from './byte-products.ts';

test('x64 without VNNI needs the exact product, and so does one that does not tell', () => {
  const cpu = (flags: string) =>
    `processor\t: 0\nmodel name\t: x\nflags\t\t: fpu sse4_1 ${flags} lm\nbugs\t\t:\n`;
  assert.equal(byteProductsSaturate('x64', cpu('avx2')), true);
  assert.equal(byteProductsSaturate('x64', cpu('avx2 avx512f avx512bw')), true);
  assert.equal(byteProductsSaturate('x64', cpu('avx2 avx512f avx512_vnni')), false);
  assert.equal(byteProductsSaturate('x64', cpu('avx2 avx_vnni')), false);
  assert.equal(byteProductsSaturate('x64', null), true);
  assert.equal(byteProductsSaturate('arm64', null), false);
});
