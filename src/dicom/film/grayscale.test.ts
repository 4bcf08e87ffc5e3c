import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { element, hasDcmtk, hasPydicom, inFolder, python } from '../../../test/fixtures/dicom.ts';
import type { DicomDataset } from '../dataset.ts';
import { type PhantomFile, phantomFile } from '../phantom/file.ts';
import { createDecoder, type FrameFormat } from './decode/decoder.ts';
import type { Film } from './film.ts';
import { displayFilm } from './grayscale.ts';
import { openFilm } from './open.ts';
import { DEFAULT_RULES } from './select-rules.ts';

const decoder = createDecoder({ workers: 1 });
after(() => decoder.close());

const ROWS = 64;
const COLUMNS = 64;

const open = (file: Uint8Array): Promise<Film> =>
  openFilm(file, { decoder, rules: { ...DEFAULT_RULES, minSide: 16, minAspect: 0.2, maxAspect: 5 } });

/** A film of `ROWS` × `COLUMNS` with these cells; every code of 12 bits once unless said otherwise. */
function film(
  attributes: DicomDataset,
  cells: (at: number) => number = (at) => at,
  options: PhantomFile = {},
): Uint8Array {
  const stored = Uint16Array.from({ length: ROWS * COLUMNS }, (_, at) => cells(at));
  return phantomFile({
    width: COLUMNS,
    height: ROWS,
    ...options,
    attributes: { '7FE00010': element('OW', new Uint8Array(stored.buffer)), ...attributes },
  });
}

const window = (centre: number | string, width: number | string, shape?: string): DicomDataset => ({
  '00281050': element('DS', String(centre)),
  '00281051': element('DS', String(width)),
  ...(shape !== undefined && { '00281056': element('CS', shape) }),
});

const rescale = (slope: number, intercept: number): DicomDataset => ({
  '00281053': element('DS', String(slope)),
  '00281052': element('DS', String(intercept)),
});

function lut(first: number, entries: readonly number[], bits: number, packed = false): DicomDataset {
  const field = packed ? Uint8Array.from(entries) : new Uint8Array(Uint16Array.from(entries).buffer);
  const count = entries.length & 0xffff;
  // US or SS, as the first value needs it.
  const vr = first < 0 ? 'SS' : 'US';
  return { '00283002': element(vr, count, first, bits), '00283006': element('OW', field) };
}

const SIGNED: DicomDataset = { '00280103': element('US', 1) };
const MONOCHROME1: DicomDataset = {
  '00280004': element('CS', 'MONOCHROME1'),
  '20500020': element('CS', 'INVERSE'),
};

const codes = (opened: Film): string[] => opened.remarks.map(({ code }) => code);

/** Greys (0 to 255, not rounded) of pydicom's modality and VOI transforms over its own output range. */
function pydicomGreys(files: readonly Uint8Array[]): number[][] {
  return python(
    `
import json, sys, io, base64
import numpy as np, pydicom
from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut
out = []
for f in json.load(sys.stdin):
    ds = pydicom.dcmread(io.BytesIO(base64.b64decode(f)))
    stored = ds.pixel_array
    values = apply_modality_lut(stored, ds)
    shown = apply_voi_lut(values, ds).astype('float64')
    if 'VOILUTSequence' in ds:
        low, high = 0, 2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1
    elif 'ModalityLUTSequence' in ds:
        low, high = 0, 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    else:
        bits = ds.BitsStored
        low, high = (-2 ** (bits - 1), 2 ** (bits - 1) - 1) if ds.PixelRepresentation else (0, 2 ** bits - 1)
        slope, intercept = float(ds.get('RescaleSlope', 1)), float(ds.get('RescaleIntercept', 0))
        low, high = low * slope + intercept, high * slope + intercept
    grey = (shown - low) / (high - low) * 255
    if ds.PhotometricInterpretation == 'MONOCHROME1': grey = 255 - grey
    out.append(grey.ravel().tolist())
print(json.dumps(out))`,
    files.map((file) => Buffer.from(file).toString('base64')),
  ) as number[][];
}

/** The largest difference of a rounded picture to exact greys. */
function difference(pixels: Uint8Array, greys: readonly number[]): number {
  assert.equal(pixels.length, greys.length);
  let largest = 0;
  for (let at = 0; at < pixels.length; at++) {
    largest = Math.max(largest, Math.abs((pixels[at] ?? 0) - (greys[at] ?? 0)));
  }
  return largest;
}

test('modality and VOI transforms give the greys of pydicom', async (t) => {
  if (!hasPydicom) return t.skip('python3-pydicom is not installed');
  const ramp = Array.from({ length: 4096 }, (_, i) => Math.round(65_535 * (i / 4095) ** 2));
  const cases: Readonly<Record<string, Uint8Array>> = {
    linear: film(window(2000, 3000)),
    'linear with fractions': film(window('1999.5', '2500.75')),
    'linear exact': film(window(2000, 3000, 'LINEAR_EXACT')),
    sigmoid: film(window(2000, 1500, 'SIGMOID')),
    MONOCHROME1: film({ ...window(2000, 3000), ...MONOCHROME1 }),
    rescaled: film({ ...window(1500, 5000), ...rescale(1.5, -1024) }),
    'falling slope': film({ ...window(-2000, 3000), ...rescale(-1, 0) }),
    signed: film({ ...window(0, 3000), ...SIGNED }, (at) => at - 2048),
    'VOI LUT of 16 bits': film({ '00283010': element('SQ', lut(0, ramp, 16)) }),
    'VOI LUT of 12 bits behind a first value': film({
      '00283010': element(
        'SQ',
        lut(
          1000,
          Array.from({ length: 2000 }, (_, i) => Math.min(4095, 2 * i + 100)),
          12,
        ),
      ),
    }),
    'VOI LUT before a window': film({ ...window(1, 2), '00283010': element('SQ', lut(0, ramp, 16)) }),
    'VOI LUT of negative values': film(
      { ...SIGNED, '00283010': element('SQ', lut(-2048, ramp, 16)) },
      (at) => at - 2048,
    ),
    'Modality LUT and window': film({
      ...window(2000, 60_000),
      '00283000': element(
        'SQ',
        lut(
          0,
          Array.from({ length: 4096 }, (_, i) => Math.round(30_000 * Math.sqrt(i / 4095))),
          16,
        ),
      ),
    }),
  };
  const greys = pydicomGreys(Object.values(cases));
  for (const [i, [name, file]] of Object.entries(cases).entries()) {
    const opened = await open(file);
    const largest = difference(opened.picture.pixels, greys[i] ?? []);
    assert.ok(largest <= 0.5 + 1e-6, `${name}: ${largest}`);
    assert.ok(!codes(opened).some((code) => code.startsWith('voi')), name);
  }
});

test('films look as dcmtk renders them, within a grey', async (t) => {
  if (!hasDcmtk) return t.skip('dcmtk is not installed');
  await inFolder(async (folder) => {
    for (const options of [
      { bits: 8 },
      { bits: 12 },
      { bits: 16 },
      { bits: 10, photometric: 'MONOCHROME1' },
      { bits: 12, signed: true },
      { bits: 14, kind: 'CR', syntax: 'implicit' },
    ] satisfies PhantomFile[]) {
      const [source, target] = [join(folder, 'film.dcm'), join(folder, 'film.pgm')];
      const file = phantomFile({ width: 160, height: 192, border: 'none', ...options });
      writeFileSync(source, file);
      execFileSync('dcm2pnm', ['+Wi', '1', '+op', source, target], { stdio: 'ignore' });
      const rendered = readFileSync(target).subarray(-160 * 192);
      const { picture } = await open(file);
      assert.ok(difference(picture.pixels, [...rendered]) <= 1, JSON.stringify(options));
    }
  });
});

test('bits above Bits Stored are masked, and High Bit need not be the lowest possible', async () => {
  const plain = (await open(film(window(2048, 4096)))).picture;
  const overlaid = film(window(2048, 4096), (at) => at | 0xa000);
  assert.deepEqual((await open(overlaid)).picture, plain);
  const shifted = film({ ...window(2048, 4096), '00280102': element('US', 15) }, (at) => at << 4);
  assert.deepEqual((await open(shifted)).picture, plain);
  // The sign of 12 stored bits stands in their highest, whatever the bits above it are.
  const signed = film({ ...window(0, 4096), ...SIGNED }, (at) => at - 2048);
  const unextended = film({ ...window(0, 4096), ...SIGNED }, (at) => (at - 2048) & 0xfff);
  assert.deepEqual((await open(unextended)).picture, (await open(signed)).picture);
});

test('padding is black in both photometric interpretations and left out of the statistics', async () => {
  const auto = { '00281050': element('DS'), '00281051': element('DS') };
  // A third of the film is padding of value 4000; the rest is 1000 to 2000.
  const cells = (at: number) => (at % 3 === 0 ? 4000 : 1000 + (at % 1001));
  for (const photometric of [{}, MONOCHROME1]) {
    const attributes = { ...auto, ...photometric, '00280120': element('US', 4000) };
    const { picture } = await open(film(attributes, cells));
    const shown = [...picture.pixels];
    assert.ok(shown.every((grey, at) => at % 3 !== 0 || grey === 0));
    const range = shown.filter((_, at) => at % 3 !== 0);
    assert.deepEqual([Math.min(...range), Math.max(...range)], [0, 255]);
    assert.ok(range.filter((grey) => grey > 100 && grey < 150).length > 300);
  }
  const between = { ...window(2048, 4096), '00280120': element('US', 10), '00280121': element('US', 5) };
  const { picture } = await open(film({ ...between, ...MONOCHROME1 }));
  assert.deepEqual(
    [...picture.pixels.subarray(4, 12)].map((grey) => grey === 0),
    [false, true, true, true, true, true, true, false],
  );
  // The same value as SS and as US in a signed film.
  for (const padding of [element('SS', -2000), element('US', 65_536 - 2000)]) {
    const opened = await open(
      film({ ...window(0, 4096), ...SIGNED, ...MONOCHROME1, '00280120': padding }, (at) => at - 2048),
    );
    assert.equal(opened.picture.pixels[48], 0);
    assert.ok((opened.picture.pixels[47] ?? 0) > 200);
  }
});

test('of several windows the first sound one is taken, however it is written', async () => {
  const expected = (await open(film(window(2048, 4096)))).picture;
  for (const [centres, widths] of [
    [
      ['2048.0', ' 4096'],
      ['4096', '100'],
    ],
    [
      ['2048,0', '1'],
      ['4096,00', '1'],
    ],
    [
      ['0', '2048'],
      ['0', '4096'],
    ],
    [['2048.00000000000000'], ['4096.000000000000']],
  ] as const) {
    const opened = await open(
      film({ '00281050': element('DS', ...centres), '00281051': element('DS', ...widths) }),
    );
    assert.deepEqual(opened.picture, expected, centres.join('\\'));
    assert.deepEqual(codes(opened), []);
  }
});

test('without a window, or with one that shows nothing, the film’s own range is used and told', async () => {
  const none = { '00281050': element('DS'), '00281051': element('DS') };
  const cells = (at: number) => (at === 0 ? 4095 : 1000 + (at % 1000));
  const automatic = await open(film(none, cells));
  assert.deepEqual(codes(automatic), ['voi=auto', 'raw']);
  // 0.5 % of the pixels lie below 1005 and above 1994, the stray 4095 does not count.
  assert.equal(automatic.picture.pixels[0], 255);
  assert.equal(automatic.picture.pixels[5], 0);
  assert.equal(automatic.picture.pixels[500], Math.round((255 * (1500 - 1005)) / (1994 - 1005)));
  for (const useless of [
    window(0, 0),
    window(1500, 1),
    window(30_000, 100),
    window(32_768, 65_536),
    window(-500, 20),
    window(5, -3),
    // Black and white with nothing between.
    window(1500, 4),
  ]) {
    const opened = await open(film({ ...useless, '00281040': element('CS') }, cells));
    assert.deepEqual(opened.picture, automatic.picture, JSON.stringify(useless));
    assert.deepEqual(codes(opened), ['voi=auto']);
  }
});

test('VOI LUTs are taken as they come: 8 bits packed, wrong bits; damaged ones are left out', async () => {
  const eight = Array.from({ length: 4096 }, (_, i) => i >> 4);
  const words = (await open(film({ '00283010': element('SQ', lut(0, eight, 8)) }))).picture;
  assert.deepEqual(words.pixels, Uint8Array.from(eight));
  const packed = await open(film({ '00283010': element('SQ', lut(0, eight, 8, true)) }));
  assert.deepEqual(packed.picture, words);
  // Said to be of 16 bits, holds 12: its own maximum is white.
  const twelve = Array.from({ length: 4096 }, (_, i) => i);
  const wrong = await open(film({ '00283010': element('SQ', lut(0, twelve, 16)) }));
  assert.equal(wrong.picture.pixels.at(-1), 255);
  assert.equal(wrong.picture.pixels[2048], Math.round((255 * 2048) / 4095));
  const cut = await open(
    film({ ...window(2048, 4096), '00283010': element('SQ', lut(0, twelve.slice(0, 90), 16, true)) }),
  );
  assert.deepEqual(cut.picture, (await open(film(window(2048, 4096)))).picture);
  assert.deepEqual(codes(cut), ['voi=lut-damaged']);
});

test('a table of 65,536 entries is written as zero and works', async () => {
  const entries = Array.from({ length: 65_536 }, (_, i) => 65_535 - i);
  const opened = await open(
    film(
      {
        '00280101': element('US', 16),
        '00280102': element('US', 15),
        '00283010': element('SQ', lut(0, entries, 16)),
      },
      (at) => at * 16,
    ),
  );
  assert.equal(opened.picture.pixels[0], 255);
  assert.equal(opened.picture.pixels.at(-1), 0);
});

test('MONOCHROME1 and Presentation LUT Shape state one inversion', async () => {
  const plain = (await open(film(window(2048, 4096)))).picture.pixels;
  const negative = plain.map((grey) => 255 - grey);
  for (const [photometric, shape, inverted, remark] of [
    ['MONOCHROME2', 'IDENTITY', false, []],
    ['MONOCHROME1', 'INVERSE', true, []],
    ['MONOCHROME1', '', true, []],
    ['MONOCHROME2', 'INVERSE', false, ['presentation=contradictory']],
    ['MONOCHROME1', 'IDENTITY', true, ['presentation=contradictory']],
  ] as const) {
    const opened = await open(
      film({
        ...window(2048, 4096),
        '00280004': element('CS', photometric),
        '20500020': shape === '' ? element('CS') : element('CS', shape),
      }),
    );
    const largest = difference(opened.picture.pixels, [...(inverted ? negative : plain)]);
    assert.ok(largest <= 1, `${photometric} ${shape}`);
    assert.deepEqual(
      codes(opened).filter((code) => code !== 'polarity'),
      remark,
    );
  }
});

test('films with black and white exchanged get the polarity remark, others do not', async () => {
  for (const subject of ['child', 'adult'] as const) {
    for (const border of ['none', 'black', 'white'] as const) {
      for (const photometric of ['MONOCHROME1', 'MONOCHROME2'] as const) {
        const options: PhantomFile = { width: 400, height: 400, subject, border, photometric, seed: 7 };
        const right = await open(phantomFile(options));
        assert.ok(!codes(right).includes('polarity'), JSON.stringify(options));
        if (border !== 'none') continue;
        const other = photometric === 'MONOCHROME1' ? 'MONOCHROME2' : 'MONOCHROME1';
        const wrong = await open(
          phantomFile({ ...options, attributes: { '00280004': element('CS', other) } }),
        );
        assert.ok(codes(wrong).includes('polarity'), JSON.stringify(options));
      }
    }
  }
});

test('films said to be signed that are not are read unsigned, and told', async () => {
  const right = await open(film(window(2048, 4096)));
  const wrong = await open(film({ ...window(2048, 4096), ...SIGNED }));
  assert.deepEqual(wrong.picture, right.picture);
  assert.deepEqual(codes(wrong), ['sign']);
  const signed = await open(film({ ...window(0, 4096), ...SIGNED }, (at) => at - 2048));
  assert.deepEqual(codes(signed), []);
});

/** The columns of a row of the picture that are not black. */
function visible({ picture }: Film, row: number): number[] {
  return [...picture.pixels.subarray(row * picture.width, (row + 1) * picture.width)].flatMap((grey, x) =>
    grey > 0 ? [x] : [],
  );
}

const bright = (at: number) => 3000 + (at % 7) * 100;

test('shutters turn what they hide black: rectangular, circular, polygonal and together', async () => {
  const rectangular: DicomDataset = {
    '00181600': element('CS', 'RECTANGULAR'),
    '00181602': element('IS', '11'),
    '00181604': element('IS', '50'),
    '00181606': element('IS', '5'),
    '00181608': element('IS', '60'),
  };
  const opened = await open(film({ ...window(2048, 4096), ...rectangular }, bright));
  assert.deepEqual(visible(opened, 3), []);
  assert.deepEqual(visible(opened, 60), []);
  for (const row of [4, 30, 59]) {
    assert.deepEqual(
      visible(opened, row),
      Array.from({ length: 40 }, (_, i) => 10 + i),
    );
  }
  const circular: DicomDataset = {
    '00181600': element('CS', 'CIRCULAR'),
    '00181610': element('IS', '32', '33'),
    '00181612': element('IS', '20'),
  };
  const round = await open(film({ ...window(2048, 4096), ...circular }, bright));
  assert.deepEqual([visible(round, 31).at(0), visible(round, 31).at(-1)], [12, 52]);
  assert.deepEqual(visible(round, 11), [32]);
  assert.deepEqual(visible(round, 10), []);
  const polygonal: DicomDataset = {
    '00181600': element('CS', 'POLYGONAL'),
    '00181620': element('IS', '1', '1', '1', '64', '64', '1'),
  };
  const triangle = await open(film({ ...window(2048, 4096), ...polygonal }, bright));
  assert.equal(visible(triangle, 16).length, 48);
  assert.equal(visible(triangle, 48).length, 16);
  const two = { ...rectangular, ...circular, '00181600': element('CS', 'RECTANGULAR', 'CIRCULAR') };
  const both = await open(film({ ...window(2048, 4096), ...two }, bright));
  assert.deepEqual([visible(both, 31).at(0), visible(both, 31).at(-1)], [12, 49]);
});

test('what a shutter hides and what the collimator cut off do not count for the window; borders stay', async () => {
  const edges = (group: string): DicomDataset => ({
    [`${group}00`]: element('CS', 'RECTANGULAR'),
    [`${group}02`]: element('IS', '17'),
    [`${group}04`]: element('IS', '48'),
    [`${group}06`]: element('IS', '1'),
    [`${group}08`]: element('IS', '64'),
  });
  const inside = (at: number) => at % COLUMNS >= 16 && at % COLUMNS < 48;
  const cells = (at: number) => (inside(at) ? 1000 + (at % 97) * 10 : 4095);
  for (const group of ['001816', '001817']) {
    const none = { '00281050': element('DS'), '00281051': element('DS') };
    const { picture } = await open(film({ ...none, ...edges(group) }, cells));
    const greys = [...picture.pixels].filter((_, at) => inside(at));
    assert.deepEqual([Math.min(...greys), Math.max(...greys)], [0, 255]);
    assert.equal(picture.pixels[0], group === '001816' ? 0 : 255);
  }
});

test('of windows and tables without number only the first are tried', async () => {
  const windows = (flat: number): DicomDataset => ({
    '00281050': element('DS', ...Array<string>(flat).fill('-9000'), '2048'),
    '00281051': element('DS', ...Array<string>(flat).fill('2'), '4096'),
  });
  const codes = async (attributes: DicomDataset) =>
    (await open(film(attributes, (at) => (at * 7) % 4096))).remarks.map(({ code }) => code);
  assert.ok(!(await codes(windows(63))).includes('voi=auto'));
  assert.ok((await codes(windows(64))).includes('voi=auto'));
});

test('a shutter that would hide nearly everything is not believed', async () => {
  const opened = await open(
    film(
      {
        ...window(2048, 4096),
        '00181600': element('CS', 'RECTANGULAR'),
        '00181602': element('IS', '0'),
        '00181604': element('IS', '0'),
        '00181606': element('IS', '0'),
        '00181608': element('IS', '0'),
      },
      bright,
    ),
  );
  assert.equal(visible(opened, 10).length, COLUMNS);
});

/** Every pixel of the picture is the film's pixel to which the map leads, for square films of `step` scale. */
function assertMapped(opened: Film, greyOf: (column: number, row: number) => number): void {
  const { picture, toFilm: m } = opened;
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) {
      const column = Math.floor(m.a * (x + 0.5) + m.b * (y + 0.5) + m.c);
      const row = Math.floor(m.d * (x + 0.5) + m.e * (y + 0.5) + m.f);
      assert.equal(picture.pixels[y * picture.width + x], greyOf(column, row));
    }
  }
}

test('films are laid down with the patient’s left on the right and his feet below, and mapped back', async () => {
  const square = { ...window(2048, 4096), '00280010': element('US', 32), '00280011': element('US', 48) };
  const upright = (await open(film(square))).picture;
  // Directions of rows and columns, and where the film's first pixel comes to lie.
  for (const [across, down, x, y] of [
    ['L', 'F', 0, 0],
    ['R', 'F', 1, 0],
    ['L', 'H', 0, 1],
    ['R', 'H', 1, 1],
    ['F', 'L', 0, 0],
    ['H', 'L', 0, 1],
    ['F', 'R', 1, 0],
    ['H', 'R', 1, 1],
  ] as const) {
    const opened = await open(film({ ...square, '00200020': element('CS', across, down) }));
    const turned = 'FH'.includes(across);
    assert.deepEqual([opened.picture.width, opened.picture.height], turned ? [32, 48] : [48, 32]);
    const corner = (opened.picture.width - 1) * x + (opened.picture.height - 1) * y * opened.picture.width;
    assert.equal(opened.picture.pixels[corner], upright.pixels[0]);
    assertMapped(opened, (column, row) => upright.pixels[row * 48 + column] ?? -1);
    assert.deepEqual(codes(opened), []);
  }
});

test('directions between the axes and missing ones are told', async () => {
  const remarksOf = async (...directions: string[]) =>
    codes(await open(film({ ...window(2048, 4096), '00200020': element('CS', ...directions) })));
  assert.deepEqual(await remarksOf('LF', 'FR'), ['orientation=oblique']);
  assert.deepEqual(await remarksOf('L', 'L'), ['orientation=oblique']);
  assert.deepEqual(await remarksOf(), ['orientation=assumed']);
});

test('pixels that are not square are made so, and the map leads back to the film', async () => {
  const columnsOf = (at: number) => (at % COLUMNS) * 60;
  for (const [attributes, width, height] of [
    [{ '00181164': element('DS', '0.2', '0.1') }, 64, 128],
    [{ '00181164': element('DS', '0.1', '0.2') }, 128, 64],
    [{ '00181164': element('DS'), '00280034': element('IS', '3', '2') }, 64, 96],
    [{ '00181164': element('DS', '0.2', '0.1'), '00200020': element('CS', 'F', 'L') }, 128, 64],
    [{ '00181164': element('DS', '0.2', '0.2001') }, 64, 64],
    [{ '00181164': element('DS', '0', '0.1') }, 64, 64],
  ] as const) {
    const opened = await open(film({ ...window(2048, 4096), ...attributes }, columnsOf));
    assert.deepEqual([opened.picture.width, opened.picture.height], [width, height]);
    const { a, b, c, d, e, f } = opened.toFilm;
    const end = [a * width + b * height + c, d * width + e * height + f];
    assert.deepEqual(end, [64, 64]);
    const turned = 'FL'.includes(String(opened.dataset['00200020']?.Value?.[0])) && b !== 0;
    const at = turned ? (height >> 1) * width + 3 : 3 * width + (width >> 1);
    assert.ok(Math.abs((opened.picture.pixels[at] ?? 0) - (32 * 60 * 255) / 4095) <= 4);
  }
});

test('a frame decoded at half its size gives a picture of half the size and the map of the whole', () => {
  const format: FrameFormat = {
    rows: 64,
    columns: 48,
    bitsAllocated: 8,
    bitsStored: 8,
    highBit: 7,
    pixelRepresentation: 0,
    samplesPerPixel: 1,
    photometricInterpretation: 'MONOCHROME2',
    planarConfiguration: 0,
  };
  const samples = Uint8Array.from({ length: 32 * 24 }, (_, at) => 50 + (at % 200));
  const shown = displayFilm({ rows: 32, columns: 24, samples, scale: 2, origin: 0, remarks: [] }, format, {
    ...window(128, 256),
    '00200020': element('CS', 'R', 'F'),
    '00181600': element('CS', 'RECTANGULAR'),
    '00181602': element('IS', '1'),
    '00181604': element('IS', '24'),
    '00181606': element('IS', '1'),
    '00181608': element('IS', '64'),
  });
  assert.deepEqual([shown.picture.width, shown.picture.height], [24, 32]);
  assert.deepEqual(shown.toFilm, { a: -2, b: 0, c: 48, d: 0, e: 2, f: 0 });
  // The film's left half is visible: the right half of the mirrored picture.
  assert.deepEqual(
    [...shown.picture.pixels.subarray(0, 24)].map((grey) => grey > 0),
    Array.from({ length: 24 }, (_, x) => x >= 12),
  );
});
