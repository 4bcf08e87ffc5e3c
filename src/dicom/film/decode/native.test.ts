import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecoder, type EncodedFrame, type FrameFormat } from './decoder.ts';

const decoder = createDecoder();
const little = '1.2.840.10008.1.2.1';
const big = '1.2.840.10008.1.2.2';

function frame(
  transferSyntax: string,
  bytes: Uint8Array | readonly Uint8Array[],
  format: Partial<FrameFormat> = {},
  vr?: 'OB' | 'OW',
): EncodedFrame {
  const bitsAllocated = format.bitsAllocated ?? 16;
  return {
    transferSyntax,
    fragments: bytes instanceof Uint8Array ? [bytes] : bytes,
    format: {
      rows: 1,
      columns: 3,
      bitsAllocated,
      bitsStored: Math.min(12, bitsAllocated),
      highBit: Math.min(12, bitsAllocated) - 1,
      pixelRepresentation: 0,
      samplesPerPixel: 1,
      photometricInterpretation: 'MONOCHROME2',
      planarConfiguration: 0,
      ...format,
    },
    ...(vr !== undefined && { vr }),
  };
}

const samplesOf = async (encoded: EncodedFrame) => [...(await decoder.decode(encoded)).samples];

test('little endian words are read in place', async () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const { samples } = await decoder.decode(frame(little, bytes));
  assert.deepEqual([...samples], [0x0201, 0x0403, 0x0605]);
  assert.equal(samples.buffer, bytes.buffer);
});

test('words at an odd offset of the file are read all the same', async () => {
  const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5, 6).subarray(1);
  assert.deepEqual(await samplesOf(frame(little, bytes)), [0x0201, 0x0403, 0x0605]);
});

test('big endian words are turned, in a copy', async () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  assert.deepEqual(await samplesOf(frame(big, bytes)), [0x0102, 0x0304, 0x0506]);
  assert.deepEqual([...bytes], [1, 2, 3, 4, 5, 6]);
});

test('big endian bytes are turned when they were written as words', async () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const eight = { bitsAllocated: 8 } as const;
  assert.deepEqual(await samplesOf(frame(big, bytes, eight, 'OB')), [1, 2, 3]);
  assert.deepEqual(await samplesOf(frame(big, bytes, eight, 'OW')), [2, 1, 4]);
});

test('padding behind the pixels is left out', async () => {
  const bytes = Uint8Array.of(1, 0, 2, 0, 3, 0, 9, 9, 9, 9);
  assert.deepEqual(await samplesOf(frame(little, bytes)), [1, 2, 3]);
});

test('missing pixels are an error', async () => {
  await assert.rejects(decoder.decode(frame(little, Uint8Array.of(1, 0, 2, 0, 3))), {
    code: 'pixel.truncated',
  });
  await assert.rejects(decoder.decode(frame(little, [])), { code: 'pixel.truncated' });
});

test('a native frame in pieces is put together', async () => {
  const pieces = [Uint8Array.of(1, 0, 2), Uint8Array.of(), Uint8Array.of(0, 3, 0)];
  assert.deepEqual(await samplesOf(frame(little, pieces)), [1, 2, 3]);
});

test('cells of 32 bits are narrowed when nothing stands above the low 16', async () => {
  const bytes = Uint8Array.of(1, 2, 0, 0, 3, 4, 0, 0, 5, 6, 0, 0);
  const wide = { bitsAllocated: 32, bitsStored: 16, highBit: 15 } as const;
  assert.deepEqual(await samplesOf(frame(little, bytes, wide)), [0x0201, 0x0403, 0x0605]);
  const turned = Uint8Array.of(0, 0, 2, 1, 0, 0, 4, 3, 0, 0, 6, 5);
  assert.deepEqual(await samplesOf(frame(big, turned, wide)), [0x0201, 0x0403, 0x0605]);
  await assert.rejects(decoder.decode(frame(little, bytes, { ...wide, bitsStored: 32, highBit: 31 })), {
    code: 'pixel.format-unsupported',
  });
});

const wrong: [string, Partial<FrameFormat>, string][] = [
  ['no rows', { rows: 0 }, 'pixel.format-unsupported'],
  ['columns that are no number', { columns: Number.NaN }, 'pixel.format-unsupported'],
  ['three samples', { samplesPerPixel: 3 }, 'pixel.format-unsupported'],
  ['more bits stored than allocated', { bitsStored: 17, highBit: 16 }, 'pixel.format-unsupported'],
  ['a high bit below the bits stored', { highBit: 10 }, 'pixel.format-unsupported'],
  ['cells of 12 bits', { bitsAllocated: 12 as 16 }, 'pixel.format-unsupported'],
  ['65,535 × 65,535 pixels', { rows: 65_535, columns: 65_535 }, 'pixel.too-large'],
];
for (const [what, format, code] of wrong) {
  test(`a header with ${what} is refused`, async () => {
    await assert.rejects(decoder.decode(frame(little, new Uint8Array(8), format)), { code });
  });
}

test('an unknown transfer syntax and one of video are refused', async () => {
  for (const syntax of ['1.2.3', '1.2.840.10008.1.2.4.100', '']) {
    await assert.rejects(decoder.decode(frame(syntax, new Uint8Array(6))), {
      code: 'pixel.syntax-unsupported',
    });
  }
});
