import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitCells, toCells } from './fit.ts';

const unsigned = {
  codec: 'jpeg-2000',
  precision: 16,
  lossy: false,
  bitsAllocated: 16,
  bitsStored: 12,
  pixelRepresentation: 0,
  levels: 0,
} as const;
const signed = { ...unsigned, pixelRepresentation: 1 } as const;
const mismatch = { code: 'pixel.precision-mismatch' };

test('12 bits in a codestream of 16 are taken as they are', () => {
  const cells = Uint16Array.of(0, 1, 4095);
  assert.equal(fitCells(cells, unsigned), 0);
  assert.deepEqual([...cells], [0, 1, 4095]);
});

test('values that need more than Bits Stored are an error, not a wrapped picture', () => {
  assert.throws(() => fitCells(Uint16Array.of(0, 4096), unsigned), mismatch);
  assert.throws(() => fitCells(Uint16Array.of(0, 0xffff), unsigned), mismatch);
  assert.throws(() => fitCells(Uint16Array.of(0, 0xf7ff), signed), mismatch);
});

test('a value that does not fit is found wherever it stands', () => {
  const bytes = { ...unsigned, precision: 8, bitsAllocated: 8, bitsStored: 7 } as const;
  for (let start = 0; start < 4; start++) {
    for (let length = 1; length < 12; length++) {
      for (let place = 0; place < length; place++) {
        const words = new Uint16Array(start + length).fill(0xffff, 0, start).subarray(start);
        assert.equal(fitCells(words, unsigned), 0);
        words[place] = 0x1000;
        assert.throws(() => fitCells(words, unsigned), mismatch);
        const narrow = new Uint8Array(start + length).fill(0xff, 0, start).subarray(start);
        assert.equal(fitCells(narrow, bytes), 0);
        narrow[place] = 0x80;
        assert.throws(() => fitCells(narrow, bytes), mismatch);
      }
    }
  }
});

test('negative values come with their sign extended or not', () => {
  assert.equal(fitCells(Uint16Array.of(0xf800, 0xffff, 0x0800, 0x07ff), signed), 0);
});

test('what a lossy coding overshot is clamped, both ways and with either sign', () => {
  const many = (cells: number[]) => Uint16Array.from({ length: 200 }, (_, at) => cells[at] ?? 0);
  const above = many([4100, 0xfffe, 4095]);
  assert.equal(fitCells(above, { ...unsigned, lossy: true }), 2);
  assert.deepEqual([...above.subarray(0, 4)], [4095, 0, 4095, 0]);
  const both = many([2050, 0xf7f0, 0xf800]);
  assert.equal(fitCells(both, { ...signed, lossy: true }), 2);
  assert.deepEqual([...both.subarray(0, 4)], [2047, 0xf800, 0xf800, 0]);
});

test('a lossy coding that overshot far or often is doubted', () => {
  const far = Uint16Array.from({ length: 200 }, (_, at) => (at === 0 ? 6000 : 0));
  assert.throws(() => fitCells(far, { ...unsigned, lossy: true }), mismatch);
  const often = Uint16Array.from({ length: 200 }, (_, at) => (at < 20 ? 4100 : 0));
  assert.throws(() => fitCells(often, { ...unsigned, lossy: true }), mismatch);
});

test('samples become the cells that the header promises', () => {
  const bytes = Uint8Array.of(0x01, 0xff);
  const eight = { precision: 8, signed: false, bitsAllocated: 8 } as const;
  assert.deepEqual(toCells(bytes, 1, eight), Uint8Array.of(1, 255));
  assert.deepEqual(toCells(bytes, 1, { ...eight, bitsAllocated: 16 }), Uint16Array.of(1, 255));
  assert.deepEqual(
    toCells(bytes, 1, { precision: 8, signed: true, bitsAllocated: 16 }),
    Uint16Array.of(1, 0xffff),
  );
  assert.deepEqual(
    toCells(bytes, 2, { precision: 12, signed: true, bitsAllocated: 16 }),
    Uint16Array.of(0xff01),
  );
});
