import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import {
  element,
  encapsulated as encapsulatedFile,
  hasDcmtk,
  inFolder,
  metaEnd,
  part10Start,
} from '../../../test/fixtures/dicom.ts';
import { missingTool } from '../../../test/peers/pixel-tools.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import { drawPhantom } from '../phantom/draw.ts';
import { type PhantomFile, phantomFile } from '../phantom/file.ts';
import { createDecoder } from './decode/decoder.ts';
import type { Film } from './film.ts';
import { openFilm, readHeader } from './open.ts';
import { DEFAULT_RULES } from './select-rules.ts';

const decoder = createDecoder({ workers: 1 });
after(() => decoder.close());

/** Small films are quick to open; the rules of these tests take them. */
const RULES = { ...DEFAULT_RULES, minSide: 16 };
const SMALL: PhantomFile = { width: 64, height: 80, view: 'AP' };

const open = (bytes: Uint8Array, rules = RULES): Promise<Film> => openFilm(bytes, { decoder, rules });

/** A film, or the code of the refusal; any other exception fails the test. */
async function outcome(bytes: Uint8Array, rules = RULES): Promise<string> {
  try {
    const film = await open(bytes, rules);
    assert.equal(film.picture.pixels.length, film.picture.width * film.picture.height);
    return 'film';
  } catch (error) {
    if (!(error instanceof DeepHealthError)) throw error;
    return error.code;
  }
}

const phantom = (attributes: DicomDataset = {}, options: PhantomFile = {}) =>
  phantomFile({ ...SMALL, ...options, attributes });

test('a film is opened with its picture, view, header and size', async () => {
  const film = await open(
    phantomFile({ view: 'PA', subject: 'adult', width: 512, height: 600 }),
    DEFAULT_RULES,
  );
  assert.equal(film.kind, 'dicom');
  assert.equal(film.view, 'PA');
  assert.deepEqual([film.columns, film.rows], [512, 600]);
  assert.deepEqual([film.picture.width, film.picture.height], [512, 600]);
  assert.deepEqual(film.toFilm, { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 });
  assert.equal(film.dataset['7FE00010'], undefined);
  assert.deepEqual(film.dataset['00185101']?.Value, ['PA']);
  assert.deepEqual(film.remarks, []);
});

test('bytes that are no film have a code each', async () => {
  const film = phantom();
  const dx = Buffer.from(film);
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['file.empty', Buffer.alloc(0)],
    ['file.unknown-format', Buffer.from('A text file about a chest film.\n'.repeat(20))],
    ['file.unknown-format', Buffer.from('%PDF-1.7 and so on, which is no film')],
    ['file.unknown-format', Buffer.alloc(4096)],
    ['film.multi-frame', phantom({ '00280008': element('IS', '3') })],
    ['film.colour', phantom({ '00280002': element('US', 3), '00280004': element('CS', 'RGB') })],
    [
      'film.other-object',
      phantom({ '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.2'), '00080060': element('CS', 'CT') }),
    ],
    [
      'film.not-an-image',
      phantom({
        '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.88.11'),
        '00080060': element('CS', 'SR'),
      }),
    ],
    ['film.not-an-image', phantomFile({ ...SMALL, without: ['7FE00010'] })],
    ['film.too-small', phantom({ '00280010': element('US', 8) })],
    ['pixel.too-large', phantom({ '00280010': element('US', 65_000), '00280011': element('US', 65_000) })],
    ['pixel.truncated', phantom({ '00280010': element('US', 100), '00280011': element('US', 100) })],
    ['pixel.truncated', phantom({ '7FE00010': element('OW', new Uint8Array()) })],
    ['pixel.format-unsupported', phantom({ '00280100': element('US', 12) })],
    ['pixel.format-unsupported', phantom({ '00280101': element('US', 17) })],
    ['film.blank', phantom({ '7FE00010': element('OW', new Uint8Array(64 * 80 * 2)) })],
    [
      'pixel.syntax-unsupported',
      Buffer.concat([part10Start('1.2.840.10008.1.2.4.999'), dx.subarray(metaEnd(dx))]),
    ],
    [
      'pixel.undecodable',
      encapsulated('1.2.840.10008.1.2.4.50', Buffer.from('this is not a JPEG codestream')),
    ],
    ['pixel.undecodable', encapsulated('1.2.840.10008.1.2.4.90', Buffer.alloc(100, 7))],
    ['picture.undecodable', Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(100, 3)])],
    [
      'picture.undecodable',
      Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), Buffer.alloc(50)]),
    ],
  ];
  for (const [code, bytes] of cases) assert.equal(await outcome(bytes), code, code);
});

/** The small film's header with other, encapsulated pixels. */
function encapsulated(transferSyntax: string, ...fragments: Uint8Array[]): Buffer {
  const header = phantomFile({ ...SMALL, bits: 8, without: ['7FE00010'] });
  return encapsulatedFile(header, transferSyntax, ...fragments);
}

test('a JPEG whose size contradicts the header is refused', async () => {
  const jpeg = await sharp(Buffer.alloc(128 * 160, 100), { raw: { width: 128, height: 160, channels: 1 } })
    .toColourspace('b-w')
    .jpeg()
    .toBuffer();
  assert.equal(await outcome(encapsulated('1.2.840.10008.1.2.4.50', jpeg)), 'pixel.size-mismatch');
});

test('a frame in many fragments is put together, also when its items have a length in place of a delimiter', async (t) => {
  if (!hasDcmtk) return t.skip('dcmtk is not installed');
  await inFolder(async (folder) => {
    const [plain, rle] = [join(folder, 'plain.dcm'), join(folder, 'rle.dcm')];
    writeFileSync(plain, phantomFile({ ...SMALL, bits: 8 }));
    execFileSync('dcmcrle', [plain, rle]);
    const reference = await open(readFileSync(plain));
    assert.deepEqual((await open(readFileSync(rle))).picture, reference.picture);
    const jpeg = await sharp(Buffer.from(reference.picture.pixels), {
      raw: { width: 64, height: 80, channels: 1 },
    })
      .toColourspace('b-w')
      .jpeg({ quality: 100 })
      .toBuffer();
    const whole = await open(encapsulated('1.2.840.10008.1.2.4.50', jpeg));
    assert.deepEqual(
      whole.remarks.map(({ code }) => code),
      ['lossy'],
    );
    const pieces = [jpeg.subarray(0, 300), jpeg.subarray(300, 302), Buffer.alloc(0), jpeg.subarray(302)];
    assert.deepEqual((await open(encapsulated('1.2.840.10008.1.2.4.50', ...pieces))).picture, whole.picture);
    const bytes = encapsulated('1.2.840.10008.1.2.4.50', jpeg);
    const at = bytes.lastIndexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00]));
    const defined = Buffer.from(bytes.subarray(0, bytes.length - 8));
    defined.writeUInt32LE(defined.length - at - 12, at + 8);
    assert.deepEqual((await open(defined)).picture, whole.picture);
  });
});

test('a film is the same picture in every lossless transfer syntax, close to it in JPEG', async (t) => {
  const missing = missingTool('dcmconv', 'dcmcrle', 'dcmcjpeg', 'dcmcjpls', 'gdcmconv');
  if (missing !== undefined) return t.skip(missing);
  await inFolder(async (folder) => {
    const [source, target] = [join(folder, 'source.dcm'), join(folder, 'target.dcm')];
    writeFileSync(source, phantomFile({ width: 160, height: 200, photometric: 'MONOCHROME1' }));
    const reference = await open(readFileSync(source));
    for (const [uid, tool, ...options] of [
      ['1.2.840.10008.1.2', 'dcmconv', '+ti'],
      ['1.2.840.10008.1.2.2', 'dcmconv', '+tb'],
      ['1.2.840.10008.1.2.1.99', 'dcmconv', '+td'],
      ['1.2.840.10008.1.2.5', 'dcmcrle'],
      ['1.2.840.10008.1.2.4.57', 'dcmcjpeg', '+el'],
      ['1.2.840.10008.1.2.4.70', 'dcmcjpeg', '+e1'],
      ['1.2.840.10008.1.2.4.80', 'dcmcjpls'],
      ['1.2.840.10008.1.2.4.90', 'gdcmconv', '--j2k'],
    ] as const) {
      execFileSync(tool, [...options, source, target], { stdio: 'ignore' });
      const file = readFileSync(target);
      assert.equal((await readHeader(file)).transferSyntax, uid);
      const film = await open(file);
      assert.deepEqual(film.picture, reference.picture, uid);
      assert.deepEqual(film.remarks, [], uid);
    }
    execFileSync('dcmcjpeg', ['+ee', '+q', '95', source, target], { stdio: 'ignore' });
    const lossy = await open(readFileSync(target));
    assert.deepEqual(
      lossy.remarks.map(({ code }) => code),
      ['lossy'],
    );
    const far = lossy.picture.pixels.filter(
      (grey, at) => Math.abs(grey - (reference.picture.pixels[at] ?? 0)) > 8,
    );
    assert.equal(far.length, 0);
  });
});

test('names that cannot be decoded are an error, a broken description is a remark', async () => {
  const broken = (tag: string, vr: string) => phantom({ [tag]: element(vr, Uint8Array.of(0x4a, 0xff)) });
  assert.equal(await outcome(broken('00100010', 'PN')), 'film.charset');
  assert.equal(await outcome(broken('00080050', 'SH')), 'film.charset');
  const order = (tag: string) =>
    phantom({ '00400275': element('SQ', { [tag]: element('LO', Uint8Array.of(0x4a, 0xff)) }) });
  assert.equal(await outcome(order('00402017')), 'film.charset');
  assert.equal(await outcome(order('00400007')), 'film');
  const film = await open(broken('00081030', 'LO'));
  assert.deepEqual(
    film.remarks.map(({ code }) => code),
    ['charset'],
  );
  assert.deepEqual(film.dataset['00081030']?.Value, ['J\uFFFD']);
});

test('a film cut off at any twentieth of its length is refused with a code', async () => {
  for (const file of [phantom(), phantom({}, { syntax: 'implicit' })]) {
    for (let twentieth = 0; twentieth < 20; twentieth++) {
      const code = await outcome(file.subarray(0, Math.floor((file.length * twentieth) / 20)));
      assert.notEqual(code, 'film', `${twentieth}/20`);
    }
    assert.equal(await outcome(file), 'film');
  }
});

test('a picture cut off at any twentieth of its length is refused with a code', async () => {
  const { width, height, pixels } = drawPhantom({ width: 200, height: 240, bits: 8 });
  const grey = sharp(Buffer.from(pixels), { raw: { width, height, channels: 1 } }).toColourspace('b-w');
  for (const file of [await grey.clone().jpeg().toBuffer(), await grey.clone().png().toBuffer()]) {
    for (let twentieth = 0; twentieth < 20; twentieth++) {
      const code = await outcome(file.subarray(0, Math.floor((file.length * twentieth) / 20)));
      assert.notEqual(code, 'film', `${twentieth}/20`);
    }
    assert.equal(await outcome(file), 'film');
  }
});

/** Numbers in [0, 1) that a seed determines (a 32-bit xorshift). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** One to eight random changes: bytes, lengths, pieces taken out, doubled or put in. */
function mutated(file: Uint8Array, random: () => number): Uint8Array {
  let bytes = Buffer.from(file);
  const header = Math.min(bytes.length, 2600);
  const place = () => Math.floor(random() * (random() < 0.8 ? header : bytes.length));
  for (let changes = 1 + Math.floor(random() * 8); changes > 0; changes--) {
    const at = place() % bytes.length;
    const length = Math.floor(random() * 40);
    const kind = Math.floor(random() * 6);
    if (kind === 0) bytes[at] = Math.floor(random() * 256);
    else if (kind === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    else if (kind === 3)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - length))]);
    else if (kind === 4)
      bytes.fill(random() < 0.5 ? 0xff : 0, at, Math.min(bytes.length, at + Math.min(4, length)));
    else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from('FEFF00E0', 'hex'), bytes.subarray(at)]);
    if (bytes.length === 0) break;
  }
  return bytes;
}

test('two thousand damaged films give a film or an error with a code, and nothing else', {
  timeout: 300_000,
}, async () => {
  const explicit = phantom({
    '00281056': element('CS', 'SIGMOID'),
    '00189999': element('UN', new Uint8Array(9)),
  });
  const plain = Buffer.from(phantom());
  const { width, height, pixels } = drawPhantom({ width: 64, height: 80, bits: 8 });
  const grey = sharp(Buffer.from(pixels), { raw: { width, height, channels: 1 } }).toColourspace('b-w');
  const files = [
    explicit,
    phantom({}, { syntax: 'implicit', photometric: 'MONOCHROME1', signed: true }),
    Buffer.concat([part10Start('1.2.840.10008.1.2.1.99'), deflateRawSync(plain.subarray(metaEnd(plain)))]),
    encapsulated('1.2.840.10008.1.2.5', Buffer.alloc(64, 1)),
    await grey.clone().png().toBuffer(),
    await grey.clone().jpeg().toBuffer(),
  ];
  const random = chance(20_260_301);
  const seen = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    const code = await outcome(mutated(files[i % files.length] ?? plain, random));
    seen.set(code, (seen.get(code) ?? 0) + 1);
  }
  // Damage that is met in many ways, and films that survive it: else this test would prove little.
  assert.ok(seen.size >= 10, [...seen.keys()].join(' '));
  assert.ok((seen.get('film') ?? 0) > 100);
});

test('the header alone is read to its end, without the pixels', async () => {
  const { dataset, meta, transferSyntax } = await readHeader(phantom());
  assert.equal(transferSyntax, '1.2.840.10008.1.2.1');
  assert.equal(dataset['7FE00010'], undefined);
  assert.deepEqual(meta['00020003']?.Value, dataset['00080018']?.Value);
  await assert.rejects(readHeader(phantom().subarray(0, -1)), { code: 'file.truncated' });
});

test('no message holds what the file says of the patient', async () => {
  const bytes = phantom(
    { '00280010': element('US', 100) },
    { patient: { name: 'Secret^Name', id: 'SECRET-ID' } },
  );
  await assert.rejects(open(bytes), (error: Error) => !/secret/i.test(`${error.message} ${error.stack}`));
});
