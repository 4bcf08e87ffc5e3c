import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { DeepHealthError } from '../../../errors/error.ts';
import { drawPhantom } from '../../phantom/draw.ts';
import { createDecoder } from '../decode/decoder.ts';
import { orientationOf } from './exif.ts';
import { greysOf } from './greys.ts';
import { readJpegPicture } from './jpeg.ts';

const decoder = createDecoder({ workers: 1 });
after(() => decoder.close());

const WIDTH = 93;
const HEIGHT = 118;
const { pixels } = drawPhantom({ width: WIDTH, height: HEIGHT, bits: 8, border: 'none' });
const grey = () =>
  sharp(Uint8Array.from(pixels), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).toColourspace('b-w');
const colour = () =>
  sharp(Uint8Array.from([...pixels].flatMap((value, at) => [value, (value + at) & 0xff, value >> 1])), {
    raw: { width: WIDTH, height: HEIGHT, channels: 3 },
  });

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'read';
  } catch (error) {
    if (!(error instanceof DeepHealthError)) throw error;
    return error.code;
  }
}

test('greys are bit by bit those of libjpeg-turbo: grey and colour, sequential and progressive, subsampled or not', async () => {
  for (const progressive of [false, true]) {
    for (const chromaSubsampling of ['4:4:4', '4:2:0']) {
      for (const [source, channels] of [
        [grey, 1],
        [colour, 3],
      ] as const) {
        const file = await source().jpeg({ quality: 88, progressive, chromaSubsampling }).toBuffer();
        const header = readJpegPicture(file);
        assert.deepEqual([header.rows, header.columns, header.channels], [HEIGHT, WIDTH, channels]);
        const raw = await sharp(file)
          .toColourspace(channels === 1 ? 'b-w' : 'srgb')
          .raw()
          .toBuffer();
        const expected = greysOf(Uint8Array.from(raw), channels);
        assert.deepEqual(await decoder.decodePicture(file, header), expected);
      }
    }
  }
});

test('the eight orientations of EXIF are read, in both byte orders; nonsense is upright', async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await grey().withMetadata({ orientation }).jpeg().toBuffer();
    assert.equal(readJpegPicture(file).orientation, orientation);
    const motorola = Buffer.alloc(26);
    motorola.set([0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation]);
    assert.equal(orientationOf(motorola), orientation);
  }
  for (const nonsense of ['', '4949', '49492a00ffffffff', '4d4d002a00000008ffff', 'ffffffffffffffffffff']) {
    assert.equal(orientationOf(Buffer.from(nonsense, 'hex')), 1);
  }
  const nine = Buffer.alloc(26);
  nine.set([0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 9]);
  assert.equal(orientationOf(nine), 1);
});

test('a profile for greys is told, one for colours is not', async () => {
  const segment = Buffer.from('\xff\xe2\x00\x12ICC_PROFILE\0\x01\x01xx', 'latin1');
  const profiled = (file: Buffer) => Buffer.concat([file.subarray(0, 2), segment, file.subarray(2)]);
  const file = await grey().jpeg().toBuffer();
  assert.equal(readJpegPicture(file).greyProfile, false);
  assert.equal(readJpegPicture(profiled(file)).greyProfile, true);
  assert.equal(readJpegPicture(profiled(await colour().jpeg().toBuffer())).greyProfile, false);
});

test('four colours, lossless coding and what is cut off are refused', async () => {
  const cmyk = await colour().toColourspace('cmyk').jpeg().toBuffer();
  assert.equal(
    codeOf(() => readJpegPicture(cmyk)),
    'picture.undecodable',
  );
  const file = await grey().jpeg().toBuffer();
  for (const length of [3, 4, 20, 100, file.length - 2]) {
    assert.equal(
      codeOf(() => readJpegPicture(file.subarray(0, length))),
      'picture.undecodable',
    );
  }
});
