import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCodestream } from './check.ts';
import type { Codestream } from './codestream.ts';
import type { FrameFormat } from './frame.ts';

const format: FrameFormat = {
  rows: 3,
  columns: 2,
  bitsAllocated: 16,
  bitsStored: 12,
  highBit: 11,
  pixelRepresentation: 0,
  samplesPerPixel: 1,
  photometricInterpretation: 'MONOCHROME2',
  planarConfiguration: 0,
};
const codestream: Codestream = {
  codec: 'jpeg',
  size: { rows: 3, columns: 2 },
  precision: 12,
  signed: false,
  components: 1,
  levels: 0,
  lossless: true,
  bytes: new Uint8Array(),
};

/** The error code of a codestream of this precision under a header of these bits. */
function verdict(precision: number, bitsAllocated: 8 | 16 | 32, bitsStored: number): string {
  try {
    checkCodestream({ ...codestream, precision }, { ...format, bitsAllocated, bitsStored });
    return 'taken';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test('depths that real archives mix are taken', () => {
  assert.equal(verdict(12, 16, 12), 'taken');
  assert.equal(verdict(16, 16, 12), 'taken');
  assert.equal(verdict(12, 16, 16), 'taken');
  assert.equal(verdict(8, 8, 8), 'taken');
  assert.equal(verdict(8, 16, 8), 'taken');
  assert.equal(verdict(12, 32, 12), 'taken');
});

test('depths that would give a wrong picture are not', () => {
  assert.equal(verdict(12, 8, 8), 'pixel.precision-mismatch');
  assert.equal(verdict(8, 16, 12), 'pixel.precision-mismatch');
  assert.equal(verdict(17, 32, 16), 'pixel.precision-mismatch');
  assert.equal(verdict(1, 16, 8), 'pixel.precision-mismatch');
});

test('another size or number of samples is not taken', () => {
  const size = { rows: 2, columns: 3 };
  assert.throws(() => checkCodestream({ ...codestream, size }, format), { code: 'pixel.size-mismatch' });
  assert.throws(() => checkCodestream({ ...codestream, components: 3 }, format), {
    code: 'pixel.precision-mismatch',
  });
});

test('an RLE frame has a byte plane for each byte of a cell', () => {
  const rle = { ...codestream, codec: 'rle', size: undefined } as const;
  checkCodestream({ ...rle, precision: 16 }, format);
  assert.throws(() => checkCodestream({ ...rle, precision: 8 }, format), {
    code: 'pixel.precision-mismatch',
  });
  assert.throws(() => checkCodestream({ ...rle, precision: 32 }, { ...format, bitsAllocated: 32 }), {
    code: 'pixel.format-unsupported',
  });
});
