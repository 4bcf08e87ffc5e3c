import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import { parseDicom } from '../film/parse.ts';
import { writePart10 } from './part10.ts';

const DATASET: DicomDataset = {
  '7FE00010': { vr: 'OB', Value: [Uint8Array.of(1, 2, 3)] },
  '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
  '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.7'] },
  '00080018': { vr: 'UI', Value: ['2.25.12'] },
  '00080050': { vr: 'SH' },
  '00081111': { vr: 'SQ' },
  '00081115': { vr: 'SQ', Value: [{ '00080115': { vr: 'ST', Value: ['Größe'] } }, {}] },
  '00080119': { vr: 'UC', Value: ['long'] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Yamada^Tarou', Phonetic: 'やまだ^たろう' }] },
  '00181020': { vr: 'LO', Value: ['0.1.0', 'model 1'] },
  '00280010': { vr: 'US', Value: [65535] },
  '00280009': { vr: 'AT', Value: ['00181063'] },
  '0040A30A': { vr: 'DS', Value: ['93.60'] },
  '00720074': { vr: 'FD', Value: [Math.PI] },
  '0040A160': { vr: 'UT', Value: ['x'.repeat(70_001)] },
  '0070022F': { vr: 'SV', Value: [-2] },
};

test('what was written is read back as it was, text to the character, numbers to the digit', async () => {
  const { dataset, pixelField } = await parseDicom(writePart10(DATASET));
  assert.deepEqual(dataset['00100010']?.Value, [{ Alphabetic: 'Yamada^Tarou', Phonetic: 'やまだ^たろう' }]);
  assert.deepEqual(dataset['0040A30A']?.Value, ['93.60']);
  assert.deepEqual(dataset['00181020']?.Value, ['0.1.0', 'model 1']);
  assert.deepEqual(dataset['00720074']?.Value, [Math.PI]);
  assert.equal(String(dataset['0040A160']?.Value?.[0]).length, 70_001);
  assert.deepEqual(dataset['00081115']?.Value, [{ '00080115': { vr: 'ST', Value: ['Größe'] } }, {}]);
  assert.ok(pixelField);
});

test('a sequence may have any number of items', async () => {
  const codes = Array.from({ length: 30_000 }, (_, at) => ({
    '00080100': { vr: 'SH', Value: [`C${at}`] },
    '00080102': { vr: 'SH', Value: ['99TEST'] },
  }));
  const { dataset } = await parseDicom(
    writePart10({ ...DATASET, '00081032': { vr: 'SQ', Value: codes }, '7FE00010': undefined as never }),
  );
  assert.deepEqual(dataset['00081032']?.Value, codes);
});

test('DCMTK reads the file without a word and says the same', (t) => {
  if (!existsSync('/usr/bin/dcmdump')) return t.skip('DCMTK is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'dh-part10-'));
  try {
    const file = join(folder, 'written.dcm');
    writeFileSync(file, writePart10(DATASET));
    const dump = execFileSync('/usr/bin/dcmdump', [file], { encoding: 'utf8' });
    assert.match(dump, /SH \(no value available\)\s+#\s+0, 0 AccessionNumber/);
    assert.match(dump, /PN \[Yamada\^Tarou==やまだ\^たろう\]/);
    assert.match(dump, /OB 01\\02\\03\\00/);
    assert.match(dump, /AT \(0018,1063\)/);
    assert.match(dump, /MediaStorageSOPInstanceUID/);
    assert.doesNotMatch(dump, /^[EW]:/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the same dataset gives the same bytes, in whatever order its tags were put in', () => {
  const turned = Object.fromEntries(Object.entries(DATASET).reverse());
  assert.deepEqual(writePart10(turned), writePart10(DATASET));
});

const BROKEN: Readonly<Record<string, DicomDataset>> = {
  'no SOP Instance UID': { '00080018': { vr: 'UI' } },
  'a number that is none': { '00280010': { vr: 'US', Value: [Number.NaN] } },
  'a number that does not fit': { '00280010': { vr: 'US', Value: [65536] } },
  'text where bytes should be': { '7FE00010': { vr: 'OB', Value: ['pixels'] } },
  'a value longer than its length field': { '00081030': { vr: 'LO', Value: ['x'.repeat(70_000)] } },
  'a VR that does not exist': { '00081030': { vr: 'ZZ', Value: ['x'] } },
  'a tag that is none': { PatientName: { vr: 'PN', Value: [{ Alphabetic: 'Secret' }] } },
  'an item that is none': { '00081115': { vr: 'SQ', Value: ['x'] } },
};

for (const [what, change] of Object.entries(BROKEN)) {
  test(`${what} is refused, and the message holds no value`, () => {
    assert.throws(
      () => writePart10({ ...DATASET, ...change }),
      (error) =>
        error instanceof DeepHealthError &&
        error.code === 'report.content-invalid' &&
        !/Secret|xxx|pixels/.test(error.message),
    );
  });
}
