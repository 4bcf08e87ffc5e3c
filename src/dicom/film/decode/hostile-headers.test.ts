/** Codestreams whose headers cost more to read than they say, or say one thing to one reader and another to the next. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { DeepHealthError } from '../../../errors/error.ts';
import { chance } from '../../phantom/random.ts';
import { encodedFrame } from '../frame.ts';
import { DEFAULT_FILM_LIMITS } from '../limits.ts';
import { parseDicom } from '../parse.ts';
import { readCodestream } from './codestream.ts';
import { createDecoder, type EncodedFrame, type FrameFormat } from './decoder.ts';
import { joinFragments } from './fragments.ts';
import { jpegDctCoding } from './jpeg-dct-parameters.ts';
import { readJpeg } from './jpeg-header.ts';
import { jpegLsCoding } from './jpeg-ls-parameters.ts';
import { readJpeg2000 } from './jpeg2000-header.ts';
import { DEFAULT_DECODE_LIMITS } from './limits.ts';
import { createPool } from './pool.ts';
import { codingOf } from './syntaxes.ts';

const decoder = createDecoder({ workers: 1, limits: { milliseconds: 10_000 } });
after(() => decoder.close());

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'read';
  } catch (error) {
    assert.ok(error instanceof DeepHealthError, String(error));
    return error.code;
  }
}

const grey = (side: number, seed: number) => {
  const { next } = chance(seed);
  return sharp(
    Uint8Array.from({ length: side * side }, () => Math.floor(256 * next())),
    { raw: { width: side, height: side, channels: 1 } },
  )
    .toColourspace('b-w')
    .jpeg()
    .toBuffer();
};

const format = (side: number): FrameFormat => ({
  ...{ rows: side, columns: side, bitsAllocated: 8, bitsStored: 8, highBit: 7, pixelRepresentation: 0 },
  ...{ samplesPerPixel: 1, photometricInterpretation: 'MONOCHROME2', planarConfiguration: 0 },
});

test('a JPEG header of more segments than any picture has is refused before they are gathered', async () => {
  const file = await grey(64, 1);
  const after = (piece: Uint8Array, times: number) =>
    Buffer.concat([file.subarray(0, 2), ...Array<Uint8Array>(times).fill(piece), file.subarray(2)]);
  const remark = Buffer.from('fffe0002', 'hex');
  assert.equal(readJpeg(after(remark, 1000)).levels, 1);
  for (const piece of [remark, Buffer.from('ff01', 'hex'), Buffer.from('ffd0', 'hex')]) {
    assert.equal(
      codeOf(() => readJpeg(after(piece, 5000))),
      'pixel.undecodable',
    );
  }
  // The reader beside it, which keeps them, gives up by itself.
  assert.equal(jpegDctCoding(after(remark, 5000)), undefined);
});

test('a segment of more tables than a picture has is left to the library, not read', async () => {
  const file = await grey(64, 1);
  const segment = (marker: number, payload: Buffer) =>
    Buffer.concat([
      Buffer.from([0xff, marker, (payload.length + 2) >> 8, (payload.length + 2) & 255]),
      payload,
      file.subarray(2),
    ]);
  const whole = (rest: Buffer) => Buffer.concat([file.subarray(0, 2), rest]);
  const quantisation = Buffer.concat([Buffer.from([0]), Buffer.alloc(64, 1)]);
  const huffman = Buffer.alloc(17);
  const of = (piece: Buffer, times: number) => Buffer.concat(Array<Buffer>(times).fill(piece));
  assert.notEqual(jpegDctCoding(whole(segment(0xdb, of(quantisation, 4)))), undefined);
  assert.equal(jpegDctCoding(whole(segment(0xdb, of(quantisation, 5)))), undefined);
  assert.notEqual(jpegDctCoding(whole(segment(0xc4, of(huffman, 8)))), undefined);
  assert.equal(jpegDctCoding(whole(segment(0xc4, of(huffman, 9)))), undefined);
});

test('a JPEG picture that holds another one behind a marker without payload is never taken for the other', async () => {
  const [shown, hidden] = [await grey(64, 2), await grey(32, 3)];
  // Whoever takes RST0 for a segment reads its length in the next marker, and goes on at the hidden picture.
  const skipped = shown.readUInt16BE(2);
  const start = Buffer.concat([shown.subarray(0, 2), Buffer.from('ffd0', 'hex'), shown.subarray(2)]);
  const file = Buffer.alloc(4 + skipped + hidden.length - 2);
  file.set(start);
  file.set(hidden.subarray(2), 4 + skipped);
  assert.deepEqual(readJpeg(file).size, { rows: 64, columns: 64 });
  assert.equal(jpegDctCoding(file), undefined);
  for (const wanted of [undefined, { shorterSide: 8 }]) {
    const frame = { transferSyntax: '1.2.840.10008.1.2.4.50', format: format(64), fragments: [file] };
    const decoded = await decoder.decode(frame, wanted).catch((error: unknown) => error);
    if (decoded instanceof Error) assert.match((decoded as DeepHealthError).code, /^pixel\./);
    else {
      const { samples, rows, columns } = decoded as Awaited<ReturnType<typeof decoder.decode>>;
      assert.equal(samples.length, rows * columns);
    }
  }
});

test('the header of a tile-part of JPEG 2000 is looked for within the tile-part', () => {
  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
  const main = hex(
    `ff4f ff51 0029 0000 ${'00000040'.repeat(2)} ${'00000000'.repeat(2)} ${'00000040'.repeat(2)} ${'00000000'.repeat(2)}
     0001 07 01 01 ff52 000c 00 00 0001 00 01 04 04 00 01`.replace(/\s/g, ''),
  );
  const sound = hex('ff90 000a 0000 0000000e 00 01 ff93');
  // Without SOD of its own: a million of these, and each was searched for it up to the end of the file.
  const open = hex('ff90 000a 0000 00000010 00 01 ff64 0002');
  const end = hex('ffd9');
  assert.equal(
    codeOf(() => readJpeg2000(Buffer.concat([main, sound, sound, end]))),
    'read',
  );
  assert.equal(
    codeOf(() => readJpeg2000(Buffer.concat([main, open, sound, end]))),
    'pixel.undecodable',
  );
});

const SEEDS = new URL('../../../../test/fixtures/fuzz/seeds/', import.meta.url);
const seed = (name: string) => encodedFrameOf(readFileSync(new URL(`${name}.dcm`, SEEDS)));

async function encodedFrameOf(file: Uint8Array): Promise<EncodedFrame> {
  const { dataset, pixelField, transferSyntax } = await parseDicom(file);
  return encodedFrame(dataset, pixelField, transferSyntax, DEFAULT_FILM_LIMITS);
}

test('a codestream without its end marker is decoded whatever its length', async () => {
  const frame = await seed('jpeg-2000');
  const whole = Buffer.from(joinFragments(frame.fragments));
  const { samples } = await decoder.decode(frame);
  const open = whole.subarray(0, whole.lastIndexOf(Buffer.from('ffd9', 'hex')));
  assert.equal((await decoder.decode({ ...frame, fragments: [open] })).samples.length, samples.length);
  // Comments behind SIZ, up to a size that memory is taken in.
  const behind = 4 + open.readUInt16BE(4);
  let missing = 2 ** 20 - open.length;
  const comments: Buffer[] = [];
  while (missing > 0) {
    const length = missing > 60_100 ? 60_000 : missing;
    const comment = Buffer.alloc(length);
    comment.set([0xff, 0x64, (length - 2) >> 8, (length - 2) & 255, 0, 1]);
    comments.push(comment);
    missing -= length;
  }
  const padded = Buffer.concat([open.subarray(0, behind), ...comments, open.subarray(behind)]);
  assert.equal(padded.length, 2 ** 20);
  assert.deepEqual((await decoder.decode({ ...frame, fragments: [padded] })).samples, samples);
});

test('a decoder thread gives no memory back as a picture that it did not fill', async () => {
  const pool = createPool(1, DEFAULT_DECODE_LIMITS);
  for (const [name, levels] of [
    ['jpeg-baseline', 1],
    ['jpeg-baseline', 0],
    ['jpeg-lossless', 0],
    ['jpeg-ls', 0],
    ['jpeg-2000', 0],
    ['jpeg-2000', 1],
    ['htj2k', 1],
  ] as const) {
    const { transferSyntax, format, fragments } = await seed(name);
    const bytes = joinFragments(fragments);
    const { codec, precision, signed } = readCodestream(codingOf(transferSyntax) as 'jpeg', bytes);
    const [rows, columns] = [format.rows, format.columns].map((side) => Math.ceil(side / 2 ** levels)) as [
      number,
      number,
    ];
    const asked = (ofRows: number) =>
      pool.run(() => ({
        ...{ codec, precision, signed, levels, columns, rows: ofRows, lossy: true },
        bitsAllocated: format.bitsAllocated === 8 ? (8 as const) : (16 as const),
        ...{ bitsStored: format.highBit + 1, pixelRepresentation: format.pixelRepresentation },
        bytes: Uint8Array.from(bytes),
        memory: new SharedArrayBuffer(2 ** 20),
      }));
    assert.equal((await asked(rows)).samples, undefined, `${name} ${levels}`);
    await assert.rejects(
      asked(rows + 1),
      ({ code }: DeepHealthError) => code.startsWith('pixel.'),
      `${name} ${levels}`,
    );
  }
  await pool.close();
});

test('JPEG-LS presets that let sums outgrow their 32 bits are left to the library', () => {
  const picture = (reset: number) =>
    Buffer.concat([
      Buffer.from('ffd8fff7000b10004000400101' + '1100' + 'fff8000d01ffff', 'hex'),
      Buffer.from([0, 18, 0, 67, 1, 20, reset >> 8, reset & 255]),
      Buffer.from(`ffda0008010100000000${'00'.repeat(64)}ffd9`, 'hex'),
    ]);
  assert.equal(jpegLsCoding(picture(255))?.reset, 255);
  assert.equal(jpegLsCoding(picture(256)), undefined);
  assert.equal(jpegLsCoding(picture(65_535)), undefined);
});
