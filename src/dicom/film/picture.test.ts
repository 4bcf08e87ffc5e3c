import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { chunk, pngFile } from '../../../test/fixtures/png.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { drawPhantom } from '../phantom/draw.ts';
import { phantomFile } from '../phantom/file.ts';
import { createDecoder } from './decode/decoder.ts';
import type { FilmLimits } from './limits.ts';
import { openFilm } from './open.ts';
import { openPicture } from './picture.ts';

const WIDTH = 96;
const HEIGHT = 128;
const phantom = drawPhantom({ width: WIDTH, height: HEIGHT, bits: 8, border: 'none' });
const GREYS = Uint8Array.from(phantom.pixels);

const grey = (): Sharp =>
  sharp(Buffer.from(GREYS), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } }).toColourspace('b-w');

const decoder = createDecoder({ workers: 1 });
after(() => decoder.close());

const open = (file: Uint8Array, limits?: Partial<FilmLimits>) => openPicture(file, decoder, limits);

/** The phantom with three channels that a function makes of each grey. */
function coloured(channels: (value: number, at: number) => readonly number[]): Sharp {
  const pixels = Uint8Array.from([...GREYS].flatMap((value, at) => [...channels(value, at)]));
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
}

/** A 16-bit grey PNG. */
function deep(value: (at: number) => number): Promise<Buffer> {
  const pixels = Uint16Array.from(GREYS, (_, at) => value(at));
  return sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'opened';
  } catch (error) {
    if (!(error instanceof DeepHealthError)) throw error;
    return error.code;
  }
}

test('a grey PNG comes out as it went in', async () => {
  const film = await open(await grey().png().toBuffer());
  assert.equal(film.kind, 'picture');
  assert.deepEqual(film.picture, { width: WIDTH, height: HEIGHT, pixels: GREYS });
  assert.deepEqual(film.toFilm, { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 });
  assert.deepEqual([film.columns, film.rows, film.view], [WIDTH, HEIGHT, 'unknown']);
  assert.deepEqual(film.dataset, {});
  assert.deepEqual(film.remarks, []);
});

test('RGB and palette pictures with equal channels are grey films', async () => {
  const expected = { width: WIDTH, height: HEIGHT, pixels: GREYS };
  const rgb = coloured((value) => [value, value, value]);
  assert.deepEqual((await open(await rgb.clone().png().toBuffer())).picture, expected);
  assert.deepEqual(
    (await open(await rgb.clone().png({ palette: true, colours: 256, dither: 0 }).toBuffer())).picture.width,
    WIDTH,
  );
  const jpeg = await open(await rgb.clone().jpeg({ quality: 95 }).toBuffer());
  assert.deepEqual(
    jpeg.remarks.map(({ code }) => code),
    ['lossy'],
  );
  const differences = jpeg.picture.pixels.map((value, at) => Math.abs(value - (GREYS[at] ?? 0)));
  assert.ok(Math.max(...differences) < 40);
});

test('nearly equal channels become luma, colour is refused', async () => {
  const tinted = coloured((value) => [value, Math.min(255, value + 5), value]);
  const { picture } = await open(await tinted.png().toBuffer());
  assert.equal(picture.pixels[WIDTH * 50 + 40], Math.round((GREYS[WIDTH * 50 + 40] ?? 0) + 0.587 * 5));
  const photograph = coloured((value) => [value, value >> 1, 40]);
  assert.equal(await codeOf(open(await photograph.clone().png().toBuffer())), 'film.colour');
  assert.equal(await codeOf(open(await photograph.clone().jpeg().toBuffer())), 'film.colour');
  const deepColour = await photograph.clone().toColourspace('rgb16').png().toBuffer();
  assert.equal((await sharp(deepColour).metadata()).depth, 'ushort');
  assert.equal(await codeOf(open(deepColour)), 'film.colour');
  // A small coloured marker, as on screenshots, does not make a film a colour film.
  const marked = coloured((value, at) => (at < 100 ? [255, 0, 0] : [value, value, value]));
  assert.equal(await codeOf(open(await marked.png().toBuffer())), 'opened');
});

test('16-bit pictures are scaled, and shown by their own range when they leave most of it empty', async () => {
  const full = await open(await deep((at) => (GREYS[at] ?? 0) * 257));
  assert.deepEqual(full.picture.pixels, GREYS);
  assert.deepEqual(full.remarks, []);
  const twelve = await open(await deep((at) => (GREYS[at] ?? 0) * 16));
  assert.deepEqual(
    twelve.remarks.map(({ code }) => code),
    ['voi=auto'],
  );
  assert.equal(Math.max(...twelve.picture.pixels), 255);
  assert.equal(Math.min(...twelve.picture.pixels), 0);
});

test('transparent parts are black', async () => {
  const alpha = Buffer.from(GREYS.map((_, at) => (at % WIDTH < 20 ? 0 : 255)));
  const file = await coloured((value) => [value, value, value])
    .joinChannel(alpha, { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
    .png()
    .toBuffer();
  assert.equal((await sharp(file).metadata()).hasAlpha, true);
  const { picture } = await open(file);
  for (let y = 0; y < HEIGHT; y++) {
    assert.equal(picture.pixels[y * WIDTH + 5], 0);
    assert.equal(picture.pixels[y * WIDTH + 60], GREYS[y * WIDTH + 60]);
  }
});

test('EXIF turns a picture upright as sharp itself does, and the map leads back to its pixels', async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const file = await grey().withMetadata({ orientation }).png().toBuffer();
    const film = await open(file);
    const { data, info } = await sharp(file)
      .autoOrient()
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual([film.picture.width, film.picture.height], [info.width, info.height]);
    assert.deepEqual(Buffer.from(film.picture.pixels), data, `orientation ${orientation}`);
    const { a, b, c, d, e, f } = film.toFilm;
    const [x, y] = [10.5, 30.5];
    const at = Math.floor(d * x + e * y + f) * WIDTH + Math.floor(a * x + b * y + c);
    assert.equal(film.picture.pixels[30 * film.picture.width + 10], GREYS[at]);
  }
});

test('a small file that says it is huge is refused before it is decoded', async () => {
  const header = Buffer.from([0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 8, 0, 0, 0, 0]);
  const bomb = pngFile(
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1_000_000))),
    chunk('IEND'),
  );
  assert.equal(await codeOf(open(bomb)), 'pixel.too-large');
  assert.equal(await codeOf(open(await grey().png().toBuffer(), { pixels: 1000 })), 'pixel.too-large');
});

test('an even picture is no film', async () => {
  const even = sharp({ create: { width: 600, height: 600, channels: 3, background: '#505050' } });
  assert.equal(await codeOf(open(await even.png().toBuffer())), 'film.blank');
});

test('no library of native code is loaded for a JPEG or PNG file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dh-picture-'));
  try {
    const files = [await grey().jpeg().toBuffer(), await grey().png().toBuffer()];
    const names = files.map((_, index) => join(folder, String(index)));
    await Promise.all(files.map((file, index) => writeFile(names[index] ?? '', file)));
    const program = `
      import { readFile } from 'node:fs/promises';
      import { openPicture } from '${new URL('./picture.ts', import.meta.url)}';
      import { createDecoder } from '${new URL('./decode/decoder.ts', import.meta.url)}';
      const decoder = createDecoder();
      for (const name of process.argv.slice(1)) await openPicture(await readFile(name), decoder);
      await decoder.close();
      console.log(JSON.stringify(process.report.getReport().sharedObjects));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...['--input-type=module', '-e', program, '--'],
      ...names,
    ]);
    const loaded = JSON.parse(stdout) as string[];
    assert.ok(loaded.length > 0);
    assert.deepEqual(
      loaded.filter((name) => name.includes('node_modules') || name.endsWith('.node')),
      [],
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a DICOM file that begins like a picture is a DICOM file', async () => {
  const file = phantomFile({ width: 600, height: 700, bits: 8 });
  const twoFaced = Buffer.from(file);
  twoFaced.set([0xff, 0xd8, 0xff, 0xe0], 0);
  const film = await openFilm(twoFaced, { decoder });
  assert.equal(film.kind, 'dicom');
});
