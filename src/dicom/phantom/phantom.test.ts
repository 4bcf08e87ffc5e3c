import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { drawPhantom } from './draw.ts';
import { type PhantomFile, phantomFile } from './file.ts';
import { phantomPicture } from './picture.ts';

const folder = mkdtempSync(join(tmpdir(), 'phantom-'));
after(() => rmSync(folder, { recursive: true }));

const small = { width: 160, height: 200 };
const missing = (tool: string) =>
  spawnSync(tool, ['--version']).error === undefined ? false : `${tool} is not installed`;

function saved(name: string, options: PhantomFile): string {
  const path = join(folder, `${name}.dcm`);
  writeFileSync(path, phantomFile(options));
  return path;
}

test('the same seed draws the same film, another seed another', () => {
  const film = drawPhantom({ ...small, seed: 7 });
  assert.deepEqual(drawPhantom({ ...small, seed: 7 }).pixels, film.pixels);
  assert.notDeepEqual(drawPhantom({ ...small, seed: 8 }).pixels, film.pixels);
});

for (const subject of ['adult', 'child'] as const) {
  test(`the chest of ${subject === 'adult' ? 'an adult' : 'a child'} has dark lungs, a bright middle and black corners`, () => {
    const { width, height, pixels } = drawPhantom({ subject, marker: 'none', border: 'none' });
    const mean = (x: number, y: number) => {
      let sum = 0;
      for (let row = -9; row <= 9; row++) {
        for (let column = -9; column <= 9; column++) {
          sum += pixels[(Math.round(y * height) + row) * width + Math.round(x * width) + column] ?? 0;
        }
      }
      return sum / 361 / 4095;
    };
    const middle = mean(0.5, 0.55);
    for (const lung of [mean(0.27, 0.42), mean(0.73, 0.42)]) {
      assert.ok(lung > 0.15 && lung < 0.55, `lung ${lung}`);
      assert.ok(middle > lung + 0.25, `middle ${middle}`);
    }
    assert.ok(mean(0.03, 0.03) < 0.1);
    assert.ok(mean(0.97, 0.03) < 0.1);
  });
}

test('pneumonia whitens the lungs', () => {
  const mean = (finding: 'normal' | 'bacterial' | 'viral') => {
    const { pixels } = drawPhantom({ ...small, seed: 3, finding, noise: 0 });
    return pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  };
  const normal = mean('normal');
  assert.ok(mean('bacterial') > normal);
  assert.ok(mean('viral') > normal);
});

for (const bits of [8, 10, 12, 14, 15, 16]) {
  test(`a film of ${bits} bits uses the range of its depth and keeps within it`, () => {
    const { pixels } = drawPhantom({ ...small, bits });
    const most = pixels.reduce((a, b) => Math.max(a, b), 0);
    assert.ok(most < 2 ** bits && most > 0.9 * 2 ** bits);
  });
}

const valid: [string, PhantomFile][] = [
  ['DX child AP', {}],
  ['DX adult PA', { subject: 'adult' }],
  ['DX of MONOCHROME1', { photometric: 'MONOCHROME1', bits: 14 }],
  ['DX lateral', { view: 'LL' }],
  ['DX of a hand', { anatomy: 'hand' }],
  ['CR of a skull', { anatomy: 'skull', kind: 'CR' }],
  ['DX in implicit VR', { syntax: 'implicit' }],
  ['DX of 8 bits', { bits: 8 }],
  ['CR', { kind: 'CR' }],
  ['CR of MONOCHROME1', { kind: 'CR', photometric: 'MONOCHROME1', bits: 10 }],
  [
    'CR of a patient with a three-part name',
    { kind: 'CR', patient: { name: 'Yamada^Tarou=山田^太郎=やまだ^たろう' } },
  ],
];
for (const [name, options] of valid) {
  test(`${name} is valid for dciodvfy`, { skip: missing('dciodvfy') }, () => {
    const { status, stderr } = spawnSync('dciodvfy', [saved('valid', { ...small, ...options })], {
      encoding: 'utf8',
    });
    const errors = stderr.split('\n').filter((line) => line.startsWith('Error'));
    assert.deepEqual(errors, []);
    assert.equal(status, 0);
  });
}

test('header options reach the file as dcmdump reads it', { skip: missing('dcmdump') }, () => {
  const path = saved('header', {
    ...small,
    kind: 'SC',
    view: 'PA',
    patient: { name: 'Müller^Jörg', id: 'P1', birthDate: '20200102', sex: 'M', age: '006Y' },
    order: { accessionNumber: 'ACC1', placerOrderNumber: 'PLAC1', fillerOrderNumber: 'FILL1' },
    uids: { study: '1.2.3', series: '1.2.4', instance: '1.2.5' },
    attributes: { '00081030': { vr: 'LO', Value: ['Thorax im Bett'] } },
    without: ['00080090'],
  });
  const dump = execFileSync('dcmdump', [path], { encoding: 'utf8' });
  for (const piece of [
    '[Müller^Jörg]',
    '[P1]',
    '[ACC1]',
    '[PLAC1]',
    '[FILL1]',
    '[1.2.3]',
    '[1.2.4]',
    '[1.2.5]',
    '[Thorax im Bett]',
  ]) {
    assert.ok(dump.includes(piece), piece);
  }
  assert.ok(!dump.includes('(0008,0090)'));
});

test('files of one seed share the study and differ in the instance', () => {
  const uid = (options: PhantomFile, tag: string) =>
    execFileSync('dcmdump', ['+P', tag, saved('uid', { ...small, ...options })], { encoding: 'utf8' });
  assert.equal(uid({}, '0020,000d'), uid({ view: 'LL' }, '0020,000d'));
  assert.notEqual(uid({}, '0008,0018'), uid({ view: 'LL' }, '0008,0018'));
  assert.equal(uid({}, '0008,0018'), uid({}, '0008,0018'));
  assert.notEqual(uid({}, '0020,000d'), uid({ seed: 2 }, '0020,000d'));
});

test('films that are no chest say so, and blank and noise plates show nothing', () => {
  const dump = execFileSync('dcmdump', ['+P', '0018,0015', saved('hand', { ...small, anatomy: 'hand' })]);
  assert.match(dump.toString(), /\[HAND\]/);
  const spread = (anatomy: 'blank' | 'noise' | 'hand') => {
    const { pixels } = drawPhantom({ ...small, anatomy, marker: 'none' });
    return pixels.reduce((a, b) => Math.max(a, b), 0) - pixels.reduce((a, b) => Math.min(a, b), 4095);
  };
  assert.ok(spread('blank') < 20);
  assert.ok(spread('noise') < 2000);
  assert.ok(spread('hand') > 1500);
});

test('a phantom is given as JPEG and PNG of one channel', async () => {
  for (const format of ['jpeg', 'png'] as const) {
    const metadata = await sharp(await phantomPicture({ ...small, format })).metadata();
    assert.deepEqual(
      [metadata.format, metadata.width, metadata.height, metadata.channels],
      [format, 160, 200, 1],
    );
  }
});
