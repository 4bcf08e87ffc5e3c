import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateRawSync, deflateSync } from 'node:zlib';
import {
  element,
  explicitElement,
  hasDcmtk,
  hasPydicom,
  implicitElement,
  inFolder,
  part10Start,
  python,
} from '../../../test/fixtures/dicom.ts';
import type { ErrorCode } from '../../errors/error.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { phantomFile } from '../phantom/file.ts';
import { parseDicom } from './parse.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const BASELINE = '1.2.840.10008.1.2.4.50';

/** A small film whose header has every kind of VR, a private group and sequences in sequences. */
function sampleFile(syntax: 'explicit' | 'implicit' = 'explicit'): Uint8Array {
  return phantomFile({
    width: 64,
    height: 64,
    syntax,
    patient: { name: { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' } },
    attributes: {
      '00081140': element(
        'SQ',
        {
          '00081150': element('UI', '1.2.3'),
          '0040A170': element('SQ', { '00080100': element('SH', 'inner') }),
        },
        {},
        { '00081150': element('UI', '1.2.4') },
      ),
      '00090010': element('LO', 'DEEP HEALTH TEST'),
      '00091001': element('SH', 'private'),
      '00102000': element('LO', 'one', 'two', '', 'four'),
      '001021B0': element('LT', ' a back\\slash and leading space'),
      '00181149': element('IS', '350', '430'),
      '00189073': element('FD', 0.1),
      '00280009': element('AT', '00181063', '7FE00010'),
      '00281040': element('CS'),
      '00280106': element('US', 3),
      '00289099': element('US', 12),
      '00640009': element('OF', new Uint8Array(new Float32Array([1.5, -2]).buffer)),
    },
  });
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof DeepHealthError) return error.code;
    throw error;
  }
}

function converted(folder: string, ...options: string[]): Uint8Array {
  const source = join(folder, 'source.dcm');
  const target = join(folder, 'target.dcm');
  writeFileSync(source, sampleFile());
  execFileSync('dcmconv', [...options, source, target]);
  return readFileSync(target);
}

/** pydicom's DICOM JSON of a file, without group lengths, pixels and the offset of sequences. */
function pydicomJson(file: Uint8Array): unknown {
  return python(
    `
import json, sys, base64, io
import pydicom
ds = pydicom.dcmread(io.BytesIO(base64.b64decode(json.load(sys.stdin))), force=True)
ds.decode()
if 'PixelData' in ds: del ds.PixelData
print(json.dumps(ds.to_json_dict()))`,
    Buffer.from(file).toString('base64'),
  );
}

/** Our dataset in the form in which pydicom prints it: binary as base64, IS and DS as numbers. */
function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, asJson(inner)] as const);
  const element = Object.fromEntries(entries) as Record<string, unknown>;
  const { vr, Value: list } = element;
  if (vr === 'SQ' && list === undefined) return { vr, Value: [] };
  if (typeof vr !== 'string' || !Array.isArray(list)) return element;
  if (vr === 'IS' || vr === 'DS') return { vr, Value: list.map(Number) };
  if (vr.startsWith('O') || vr === 'UN') return { vr, InlineBinary: list[0] };
  return { vr, Value: list.map((one) => one ?? '') };
}

test('a header is read as pydicom reads it', async (t) => {
  if (!hasPydicom) return t.skip('python3-pydicom is not installed');
  const file = sampleFile();
  const { dataset, transferSyntax, remarks } = await parseDicom(file);
  assert.deepEqual(asJson(dataset), pydicomJson(file));
  assert.equal(transferSyntax, EXPLICIT);
  assert.deepEqual(remarks, []);
});

test('every uncompressed transfer syntax and length coding of dcmtk gives the same header and pixels', async (t) => {
  if (!hasDcmtk) return t.skip('dcmtk is not installed');
  const reference = await parseDicom(sampleFile());
  assert.equal(reference.pixelField?.kind, 'native');
  const pixels = Buffer.from((reference.pixelField as { field: Uint8Array }).field);
  await inFolder(async (folder) => {
    for (const options of [['+te'], ['+te', '-e'], ['+ti'], ['+ti', '-e'], ['+tb'], ['+tb', '-e'], ['+td']]) {
      const { dataset, pixelField, remarks } = await parseDicom(converted(folder, ...options));
      // A private value has no VR in an implicit file.
      const named = { ...dataset };
      if (options[0] === '+ti') named['00091001'] = reference.dataset['00091001'] ?? { vr: '' };
      assert.deepEqual(named, reference.dataset, options.join(' '));
      assert.deepEqual(remarks, [], options.join(' '));
      assert.equal(pixelField?.kind, 'native');
      const field = Buffer.from((pixelField as { field: Uint8Array }).field);
      assert.deepEqual(options[0] === '+tb' ? field.swap16() : field, pixels, options.join(' '));
    }
  });
});

test('files without meta information are read as what their first bytes look like', async (t) => {
  if (!hasDcmtk) return t.skip('dcmtk is not installed');
  const reference = await parseDicom(sampleFile());
  await inFolder(async (folder) => {
    for (const [syntax, uid] of [
      ['+te', EXPLICIT],
      ['+ti', '1.2.840.10008.1.2'],
      ['+tb', '1.2.840.10008.1.2.2'],
    ] as const) {
      const { dataset, meta, transferSyntax, remarks } = await parseDicom(converted(folder, '-F', syntax));
      assert.deepEqual(dataset['00100010'], reference.dataset['00100010']);
      assert.deepEqual(meta, {});
      assert.equal(transferSyntax, uid);
      assert.deepEqual(
        remarks.map(({ code }) => code),
        ['syntax=assumed'],
      );
    }
  });
});

test('a missing preamble does no harm', async () => {
  const file = sampleFile();
  const { dataset } = await parseDicom(file);
  for (const cut of [128, 132]) assert.deepEqual((await parseDicom(file.subarray(cut))).dataset, dataset);
});

test('the dataset is believed more than the transfer syntax that contradicts it', async () => {
  const file = sampleFile('implicit');
  const parsed = await parseDicom(Buffer.concat([part10Start(EXPLICIT), file.subarray(metaEnd(file))]));
  assert.deepEqual(parsed.dataset, (await parseDicom(file)).dataset);
  assert.deepEqual(
    parsed.remarks.map(({ code }) => code),
    ['syntax=contradicted'],
  );
  assert.equal(parsed.transferSyntax, '1.2.840.10008.1.2');
});

/** Where the dataset of a file with preamble begins, by its group length. */
function metaEnd(file: Uint8Array): number {
  return 132 + 12 + Buffer.from(file).readUInt32LE(140);
}

/** An explicit little endian file of these elements. */
function file(...elements: Uint8Array[]): Buffer {
  return Buffer.concat([part10Start(EXPLICIT), explicitElement('00080005', 'CS', 'ISO_IR 192'), ...elements]);
}

const SEQUENCE_END = implicitElement('FFFEE0DD');
const ITEM_END = implicitElement('FFFEE00D');

test('sequences are read whatever VR and length coding they hide behind', async () => {
  const inner = explicitElement('00080100', 'SH', 'CODE');
  const implicitInner = implicitElement('00080100', 'CODE');
  const expected = { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['CODE'] } }] };
  const item = implicitElement('FFFEE000', inner);
  const implicitItem = implicitElement('FFFEE000', implicitInner);
  const open = Buffer.concat([implicitElement('FFFEE000', inner, 0xffffffff), ITEM_END]);
  const cases: readonly (readonly [string, Buffer])[] = [
    ['defined', explicitElement('00082218', 'SQ', item)],
    [
      'undefined sequence',
      Buffer.concat([explicitElement('00082218', 'SQ', item, 0xffffffff), SEQUENCE_END]),
    ],
    ['undefined item', explicitElement('00082218', 'SQ', open)],
    ['both undefined', Buffer.concat([explicitElement('00082218', 'SQ', open, 0xffffffff), SEQUENCE_END])],
    [
      'defined with a delimiter all the same',
      explicitElement('00082218', 'SQ', Buffer.concat([item, SEQUENCE_END])),
    ],
    ['UN of known length', explicitElement('00082218', 'UN', implicitItem)],
    [
      'UN of undefined length',
      Buffer.concat([explicitElement('00082218', 'UN', implicitItem, 0xffffffff), SEQUENCE_END]),
    ],
    ['UN whose items are explicit', explicitElement('00082218', 'UN', item)],
    ['implicit items in an explicit file', explicitElement('00082218', 'SQ', implicitItem)],
  ];
  for (const [name, bytes] of cases) {
    const { dataset } = await parseDicom(file(bytes, explicitElement('00100020', 'LO', 'ID')));
    assert.deepEqual(dataset['00082218'], expected, name);
    assert.deepEqual(dataset['00100020'], { vr: 'LO', Value: ['ID'] }, name);
  }
});

test('values that writers got wrong are read as far as they make sense', async () => {
  const { dataset } = await parseDicom(
    file(
      explicitElement('00080060', 'UN', 'DX'),
      explicitElement('00080070', 'LO', 'ODD'),
      explicitElement('00080080', 'LO', 'Name\0left over'),
      explicitElement('00081030', '??', Buffer.from([4, 0, 0, 0, 0x41, 0x42, 0x43, 0x44]), 0).fill(0, 6, 8),
      explicitElement('00100020', 'LO', 'A\0'),
      explicitElement('00280010', 'US', Buffer.from([1, 2, 3])),
      explicitElement('00280011', 'US', ''),
      explicitElement('00281050', 'DS', ' 2048.0\\ 4096 '),
      explicitElement('7FE00001', 'OV', Buffer.alloc(8)),
      explicitElement('7FE00003', 'UV', Buffer.from([1, 0, 0, 0, 0, 0, 0, 0x80])),
    ),
  );
  assert.deepEqual(dataset['00080060'], { vr: 'CS', Value: ['DX'] });
  assert.deepEqual(dataset['00080070'], { vr: 'LO', Value: ['ODD'] });
  assert.deepEqual(dataset['00080080'], { vr: 'LO', Value: ['Name'] });
  assert.deepEqual(dataset['00081030'], { vr: 'LO', Value: ['ABCD'] });
  assert.deepEqual(dataset['00100020'], { vr: 'LO', Value: ['A'] });
  assert.deepEqual(dataset['00280010'], { vr: 'US', Value: [0x0201] });
  assert.deepEqual(dataset['00280011'], { vr: 'US' });
  assert.deepEqual(dataset['00281050'], { vr: 'DS', Value: ['2048.0', '4096'] });
  assert.deepEqual(dataset['7FE00003'], { vr: 'UV', Value: ['9223372036854775809'] });
});

test('character sets hold for their item and are inherited', async () => {
  const item = (...inner: Uint8Array[]) => implicitElement('FFFEE000', Buffer.concat(inner));
  const { dataset, damagedText } = await parseDicom(
    Buffer.concat([
      part10Start(EXPLICIT),
      explicitElement('00080005', 'CS', 'ISO_IR 100'),
      explicitElement(
        '00081140',
        'SQ',
        Buffer.concat([
          item(explicitElement('00080104', 'LO', 'J\xf6rg')),
          item(explicitElement('00080005', 'CS', 'ISO_IR 144'), explicitElement('00080104', 'LO', '\xbb')),
        ]),
      ),
      explicitElement('00100010', 'PN', 'M\xfcller'),
    ]),
  );
  assert.deepEqual(dataset['00081140']?.Value, [
    { '00080104': { vr: 'LO', Value: ['Jörg'] } },
    { '00080005': { vr: 'CS', Value: ['ISO_IR 144'] }, '00080104': { vr: 'LO', Value: ['Л'] } },
  ]);
  assert.deepEqual(dataset['00100010']?.Value, [{ Alphabetic: 'Müller' }]);
  assert.deepEqual(damagedText, []);
});

test('text that cannot be decoded is named by its tag, in private groups it is nobody’s business', async () => {
  const { damagedText, remarks } = await parseDicom(
    file(explicitElement('00091001', 'LO', '\xff'), explicitElement('00100010', 'PN', 'M\xfcller')),
  );
  assert.deepEqual(damagedText, ['00100010']);
  assert.deepEqual(
    remarks.map(({ code }) => code),
    ['charset'],
  );
  assert.doesNotMatch(remarks[0]?.message ?? '', /ller/);
});

test('fragments are views of the file in their order, with or without offset table and delimiter', async () => {
  const start = Buffer.concat([part10Start(BASELINE), explicitElement('00100020', 'LO', 'ID')]);
  const fragments = [Buffer.from('abcd'), Buffer.alloc(0), Buffer.from('efghij')];
  const items = fragments.map((fragment) => implicitElement('FFFEE000', fragment));
  for (const table of [Buffer.alloc(0), Buffer.from([0, 0, 0, 0]), Buffer.from([9, 9, 9, 9])]) {
    for (const end of [SEQUENCE_END, Buffer.alloc(0)]) {
      const field = Buffer.concat([implicitElement('FFFEE000', table), ...items]);
      const bytes = Buffer.concat([start, explicitElement('7FE00010', 'OB', field, 0xffffffff), end]);
      const { pixelField, dataset } = await parseDicom(bytes);
      assert.ok(pixelField?.kind === 'encapsulated');
      assert.deepEqual(
        pixelField.fragments.map((fragment) => Buffer.from(fragment)),
        fragments,
      );
      assert.equal(pixelField.delimited, end.length > 0);
      assert.equal(pixelField.fragments[0]?.buffer, bytes.buffer);
      assert.equal(dataset['7FE00010'], undefined);
    }
  }
});

test('an icon with compressed pixels of its own does not disturb the film', async () => {
  const icon = Buffer.concat([
    explicitElement('00280010', 'US', Buffer.from([8, 0])),
    explicitElement('7FE00010', 'OB', implicitElement('FFFEE000', ''), 0xffffffff),
    implicitElement('FFFEE000', 'icon'),
    SEQUENCE_END,
  ]);
  const { dataset, pixelField } = await parseDicom(
    file(
      explicitElement('00880200', 'SQ', implicitElement('FFFEE000', icon)),
      explicitElement('7FE00010', 'OW', Buffer.alloc(8)),
    ),
  );
  assert.deepEqual(dataset['00880200']?.Value, [
    { '00280010': { vr: 'US', Value: [8] }, '7FE00010': { vr: 'OB' } },
  ]);
  assert.equal(pixelField?.kind, 'native');
});

test('padding and rubbish behind the pixels are left out', async () => {
  const whole = file(explicitElement('7FE00010', 'OW', Buffer.alloc(8)));
  const padded = Buffer.concat([whole, explicitElement('FFFCFFFC', 'OB', Buffer.alloc(20))]);
  assert.deepEqual((await parseDicom(padded)).dataset, (await parseDicom(whole)).dataset);
  for (const rubbish of [Buffer.alloc(3), Buffer.alloc(512), Buffer.from('rubbish that is no element')]) {
    const { pixelField } = await parseDicom(Buffer.concat([whole, rubbish]));
    assert.equal(pixelField?.kind, 'native');
  }
});

test('deflated datasets may carry the header of zlib, and may not inflate beyond the limit', async () => {
  const dataset = sampleFile();
  const body = dataset.subarray(metaEnd(dataset));
  const start = part10Start(DEFLATED);
  const plain = await parseDicom(dataset);
  for (const deflated of [deflateRawSync(body), deflateSync(body)]) {
    assert.deepEqual((await parseDicom(Buffer.concat([start, deflated]))).dataset, plain.dataset);
  }
  const bomb = Buffer.concat([start, deflateRawSync(Buffer.alloc(64 * 2 ** 20))]);
  assert.ok(bomb.length < 100_000);
  assert.equal(await codeOf(parseDicom(bomb, { inflatedBytes: 2 ** 20 })), 'file.inflates-too-far');
  const cut = Buffer.concat([start, deflateRawSync(body).subarray(0, 200)]);
  assert.equal(await codeOf(parseDicom(cut)), 'file.truncated');
  assert.equal(await codeOf(parseDicom(Buffer.concat([start, Buffer.alloc(50, 0x77)]))), 'file.malformed');
});

test('broken files have a code each', async () => {
  const nested = (depth: number): Buffer =>
    depth === 0
      ? Buffer.alloc(0)
      : explicitElement('00081140', 'SQ', implicitElement('FFFEE000', nested(depth - 1)));
  const cases: readonly (readonly [ErrorCode, Uint8Array])[] = [
    ['file.empty', Buffer.alloc(0)],
    ['file.not-dicom', Buffer.from('This is a text file about chest films, and nothing else.\n')],
    ['file.not-dicom', Buffer.alloc(1000)],
    ['file.truncated', file(explicitElement('00100020', 'LO', 'ID', 200))],
    ['file.truncated', file(explicitElement('7FE00010', 'OW', Buffer.alloc(8), 4_000_000))],
    [
      'file.truncated',
      file(explicitElement('00081140', 'SQ', implicitElement('FFFEE000', '', 0xffffffff), 0xffffffff)),
    ],
    ['file.malformed', file(explicitElement('00081140', 'SQ', implicitElement('00080000', 'x')))],
    [
      'file.malformed',
      file(
        explicitElement(
          '00081140',
          'SQ',
          implicitElement('FFFEE000', explicitElement('00080100', 'SH', 'x', 99)),
        ),
        Buffer.alloc(500),
      ),
    ],
    ['file.malformed', file(SEQUENCE_END)],
    ['file.too-complex', file(nested(40))],
    [
      'file.too-complex',
      file(
        explicitElement(
          '00081140',
          'SQ',
          Buffer.concat(Array.from({ length: 100_001 }, () => implicitElement('FFFEE000'))),
        ),
      ),
    ],
    [
      'film.not-an-image',
      Buffer.concat([
        Buffer.alloc(128),
        Buffer.from('DICM'),
        explicitElement('00020002', 'UI', '1.2.840.10008.1.3.10\0\0'),
      ]),
    ],
  ];
  for (const [code, bytes] of cases) assert.equal(await codeOf(parseDicom(bytes)), code, code);
  assert.equal(await codeOf(parseDicom(sampleFile(), { fileBytes: 100 })), 'file.too-large');
});

test('headers made to cost time or memory cost neither', { timeout: 60_000 }, async () => {
  const mebibyte = 2 ** 20;
  const blanks = `a${' '.repeat(7 * mebibyte)}b`;
  const long = await parseDicom(file(explicitElement('00080104', 'UC', blanks)));
  assert.equal(String(long.dataset['00080104']?.Value?.[0]).length, blanks.length);
  await parseDicom(file(explicitElement('00080104', 'UC', '\\'.repeat(7 * mebibyte))));
  const escapes = Buffer.concat([
    part10Start(EXPLICIT),
    explicitElement('00080005', 'CS', '\\ISO 2022 IR 87'),
    explicitElement('00080104', 'UC', '\x1b'.repeat(7 * mebibyte)),
  ]);
  assert.deepEqual((await parseDicom(escapes)).damagedText, ['00080104']);
  const codes = [
    file(explicitElement('00080104', 'UC', 'x'.repeat(9 * mebibyte))),
    file(...Array.from({ length: 150 }, () => explicitElement('00280010', 'US', Buffer.alloc(65_534)))),
    file(
      explicitElement(
        '7FE00010',
        'OB',
        Buffer.alloc(8 * 200_000).fill('FEFF00E000000000', 'hex'),
        0xffffffff,
      ),
    ),
  ];
  for (const bytes of codes) assert.equal(await codeOf(parseDicom(bytes)), 'file.too-complex');
});

test('pixels are not copied', async () => {
  const film = phantomFile({ width: 600, height: 600 });
  const { pixelField } = await parseDicom(film);
  assert.ok(pixelField?.kind === 'native');
  assert.equal(pixelField.field.buffer, film.buffer);
  assert.equal(pixelField.field.length, 720_000);
});
