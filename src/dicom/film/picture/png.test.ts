import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { chunk, pngFile, pngHeader, pngOfLines } from '../../../../test/fixtures/png.ts';
import { DeepHealthError } from '../../../errors/error.ts';
import { chance } from '../../phantom/random.ts';
import { greysOf } from './greys.ts';
import { decodePng, readPng } from './png.ts';

const WIDTH = 37;
const HEIGHT = 29;

/** Bytes that no filter makes even. */
function noise(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const { next } = chance(seed);
  return Uint8Array.from({ length }, (_, at) => Math.floor(200 * next()) + (at % 50));
}

const drawn = (channels: 1 | 3 | 4, seed = channels): Sharp =>
  sharp(noise(WIDTH * HEIGHT * channels, seed), { raw: { width: WIDTH, height: HEIGHT, channels } });

/** The greys that libpng's and libvips' cells have, with our luma. */
async function byLibvips(file: Buffer) {
  const { depth, hasAlpha, channels } = await sharp(file).metadata();
  const deep = depth === 'ushort';
  const source = hasAlpha ? sharp(file).flatten({ background: '#000000' }) : sharp(file);
  const { data, info } = await source
    .toColourspace(channels >= 3 ? (deep ? 'rgb16' : 'srgb') : deep ? 'grey16' : 'b-w')
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const cells = deep ? new Uint16Array(Uint8Array.from(data).buffer) : Uint8Array.from(data);
  return greysOf(cells, info.channels as 1 | 3).samples;
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'decoded';
  } catch (error) {
    if (!(error instanceof DeepHealthError)) throw error;
    return error.code;
  }
}

const deep = (channels: 1 | 3, colourspace: string) =>
  sharp(
    Uint16Array.from(noise(WIDTH * HEIGHT * channels, 7), (value, at) => value * 256 + (at % 251)),
    {
      raw: { width: WIDTH, height: HEIGHT, channels },
    },
  ).toColourspace(colourspace);

const KINDS: Readonly<Record<string, () => Sharp>> = {
  'grey 8 bit': () => drawn(1).toColourspace('b-w'),
  'grey 16 bit': () => deep(1, 'grey16'),
  'colour 8 bit': () => drawn(3),
  'colour 16 bit': () => deep(3, 'rgb16'),
  'colour and opacity': () => drawn(4),
};

for (const [kind, picture] of Object.entries(KINDS)) {
  for (const interlaced of [false, true]) {
    test(`${kind}${interlaced ? ', interlaced' : ''}: the greys are those of libpng`, async () => {
      for (const adaptiveFiltering of [false, true]) {
        const file = await picture().png({ adaptiveFiltering, progressive: interlaced }).toBuffer();
        const png = readPng(file);
        assert.equal(png.interlaced, interlaced);
        assert.deepEqual(decodePng(png).samples, await byLibvips(file));
      }
    });
  }
}

test('palettes of 1, 2, 4 and 8 bits, with opacity, come out as libpng shows them', async () => {
  const seen = new Set<number>();
  for (const colours of [2, 4, 16, 200]) {
    for (const channels of [3, 4] as const) {
      const file = await drawn(channels).png({ palette: true, colours, dither: 0.5 }).toBuffer();
      const png = readPng(file);
      assert.equal(png.colour, 3);
      seen.add(png.bits);
      assert.deepEqual(decodePng(png).samples, await byLibvips(file));
    }
  }
  assert.deepEqual([...seen].sort(), [1, 2, 4, 8]);
});

test('greys of 1, 2 and 4 bits reach from black to white, and so they do interlaced at any size', async () => {
  for (const bits of [1, 2, 4]) {
    for (const [width, height] of [
      [WIDTH, HEIGHT],
      [1, 1],
      [3, 2],
      [5, 9],
    ] as const) {
      const bytes = Math.ceil((width * bits) / 8);
      const lines = noise(height * (1 + bytes), bits).map((value, at) =>
        at % (1 + bytes) === 0 ? 0 : value,
      );
      const file = pngOfLines(pngHeader(width, height, bits, 0), lines);
      const { samples } = decodePng(readPng(file));
      assert.deepEqual(samples, await byLibvips(file), `${bits} bits, ${width} × ${height}`);
      const interlaced = await sharp(samples, { raw: { width, height, channels: 1 } })
        .toColourspace('b-w')
        .png({ progressive: true })
        .toBuffer();
      assert.deepEqual(decodePng(readPng(interlaced)).samples, samples);
    }
  }
});

test('each filter is undone as libpng undoes it', async () => {
  for (const [colour, bits, bytes] of [
    [0, 8, 1],
    [0, 16, 2],
    [2, 8, 3],
    [2, 16, 6],
    [4, 16, 4],
    [6, 8, 4],
  ] as const) {
    for (let filter = 0; filter <= 4; filter++) {
      const line = 1 + WIDTH * bytes;
      const lines = noise(HEIGHT * line, filter).map((value, at) => (at % line === 0 ? filter : value));
      const file = pngOfLines(pngHeader(WIDTH, HEIGHT, bits, colour), lines);
      assert.deepEqual(
        decodePng(readPng(file)).samples,
        await byLibvips(file),
        `colour ${colour}, filter ${filter}`,
      );
    }
  }
});

test('one transparent value makes its pixels black', async () => {
  for (const [colour, key] of [
    [0, [0, 120]],
    [2, [0, 120, 0, 120, 0, 120]],
  ] as const) {
    const samples = colour === 0 ? 1 : 3;
    const line = 1 + WIDTH * samples;
    const lines = Uint8Array.from({ length: HEIGHT * line }, (_, at) =>
      at % line === 0 ? 0 : at % 4 === 0 ? 100 : 120,
    );
    const file = pngOfLines(pngHeader(WIDTH, HEIGHT, 8, colour), lines, chunk('tRNS', Uint8Array.from(key)));
    const { samples: greys } = decodePng(readPng(file));
    assert.ok(greys.includes(0));
    assert.deepEqual(greys, await byLibvips(file));
  }
});

test('what is damaged is refused: sums, lengths, ends, filters, palettes, chunks that must be known', async () => {
  const header = pngHeader(4, 4, 8, 0);
  const sound = Buffer.alloc(4 * 5, 0);
  const refused = {
    'no header': pngFile(chunk('IEND')),
    'a second signature': pngFile(pngFile(header)),
    'a header that is too short': pngFile(chunk('IHDR', Buffer.alloc(12)), chunk('IEND')),
    'no pixels at all': pngFile(header, chunk('IEND')),
    'no end': pngFile(header),
    'a width of zero': pngOfLines(pngHeader(0, 4, 8, 0), sound),
    'three bits': pngOfLines(pngHeader(4, 4, 3, 0), sound),
    'a colour type that there is not': pngOfLines(pngHeader(4, 4, 8, 5), sound),
    'sixteen bits of palette': pngOfLines(pngHeader(4, 4, 16, 3), sound, chunk('PLTE', Buffer.alloc(3))),
    'no palette': pngOfLines(pngHeader(4, 4, 8, 3), sound),
    'half a colour': pngOfLines(pngHeader(4, 4, 8, 3), sound, chunk('PLTE', Buffer.alloc(4))),
    'a filter that there is not': pngOfLines(header, Buffer.alloc(20, 5)),
    'too few pixels': pngOfLines(header, sound.subarray(1)),
    'too many pixels': pngOfLines(header, Buffer.alloc(4 * 5 + 1)),
    'an unknown chunk that must be known': pngOfLines(header, sound, chunk('XXXX')),
    'a chunk without a type': pngOfLines(header, sound, chunk('\0\0\0\0')),
    'transparency of another length': pngOfLines(header, sound, chunk('tRNS', Buffer.alloc(3))),
  };
  for (const [what, file] of Object.entries(refused)) {
    assert.equal(
      codeOf(() => decodePng(readPng(file))),
      'picture.undecodable',
      what,
    );
  }
  const palette = pngOfLines(pngHeader(4, 4, 8, 3), Buffer.alloc(20, 1), chunk('PLTE', Buffer.alloc(3)));
  assert.equal(
    codeOf(() => decodePng(readPng(palette))),
    'picture.undecodable',
    'a colour beyond the palette',
  );
  const good = pngOfLines(header, sound, chunk('tEXt', Buffer.from('Comment\0x')));
  assert.equal(
    codeOf(() => decodePng(readPng(good))),
    'decoded',
  );
  for (let length = 8; length < good.length; length++) {
    assert.equal(
      codeOf(() => decodePng(readPng(good.subarray(0, length)))),
      'picture.undecodable',
      `cut off after ${length} bytes`,
    );
  }
  const damagedSum = Buffer.from(good);
  damagedSum[30] = (damagedSum[30] ?? 0) ^ 1;
  assert.equal(
    codeOf(() => readPng(damagedSum)),
    'picture.undecodable',
  );
});

test('what would inflate to more than a film is refused before it is inflated', () => {
  const wide = pngOfLines(pngHeader(40_000, 10_000, 16, 6), Buffer.alloc(1000));
  assert.equal(
    codeOf(() => decodePng(readPng(wide))),
    'pixel.too-large',
  );
});
