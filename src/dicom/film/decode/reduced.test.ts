import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { frameOf, missingTool, ran } from '../../../../test/peers/pixel-tools.ts';
import { drawPhantom } from '../../phantom/draw.ts';
import { phantomFile } from '../../phantom/file.ts';
import { createDecoder, type DecodedFrame, type EncodedFrame } from './decoder.ts';

const folder = mkdtempSync(join(tmpdir(), 'reduced-'));
const decoder = createDecoder({ workers: 1 });
after(async () => {
  await decoder.close();
  rmSync(folder, { recursive: true });
});

interface Size {
  readonly width: number;
  readonly height: number;
}

/** How each transfer syntax is written, by an encoder that is not the decoder's own where there is one. */
const coders: Record<string, (size: Size, bits: number) => { tool: string; options: string[] }> = {
  '90': (size, bits) => openJpeg(size, bits, []),
  '90 in tiles': (size, bits) => openJpeg(size, bits, ['-t', '128,112']),
  '91': (size, bits) => openJpeg(size, bits, ['-I', '-r', '8']),
  '201': (size, bits) => openJph(size, bits, ['-reversible', 'true']),
  '201 in tiles': (size, bits) => openJph(size, bits, ['-reversible', 'true', '-tile_size', '{128,112}']),
  '202': (size, bits) => openJph(size, bits, ['-reversible', 'true', '-prog_order', 'RPCL']),
  '203': (size, bits) => openJph(size, bits, ['-reversible', 'false', '-qstep', '0.001']),
};

function openJpeg({ width, height }: Size, bits: number, options: string[]) {
  return { tool: 'opj_compress', options: ['-F', `${width},${height},1,${bits},u`, ...options] };
}

function openJph({ width, height }: Size, bits: number, options: string[]) {
  const layout = ['-dims', `{${width},${height}}`, '-num_comps', '1', '-signed', 'false'];
  return {
    tool: 'ojph_compress',
    options: [...layout, '-bit_depth', String(bits), '-downsamp', '{1,1}', ...options],
  };
}

let files = 0;

function coded(name: string, size: Size, bits: number): EncodedFrame {
  const { pixels } = drawPhantom({ ...size, bits, seed: 5 });
  const { tool, options } = coders[name]?.(size, bits) ?? { tool: '', options: [] };
  const stem = join(folder, String(files++));
  const [input, output] = tool === 'opj_compress' ? ['rawl', 'j2k'] : ['yuv', 'j2c'];
  writeFileSync(`${stem}.${input}`, bits > 8 ? new Uint8Array(pixels.buffer) : Uint8Array.from(pixels));
  assert.ok(ran(tool, '-i', `${stem}.${input}`, '-o', `${stem}.${output}`, ...options), 'the peer writes it');
  return {
    transferSyntax: `1.2.840.10008.1.2.4.${name.split(' ')[0]}`,
    fragments: [readFileSync(`${stem}.${output}`)],
    format: {
      rows: size.height,
      columns: size.width,
      bitsAllocated: bits > 8 ? 16 : 8,
      bitsStored: bits,
      highBit: bits - 1,
      pixelRepresentation: 0,
      samplesPerPixel: 1,
      photometricInterpretation: 'MONOCHROME2',
      planarConfiguration: 0,
    },
  };
}

/**
 * The mean of the film over each cell of a reduced frame, where the frame says that the cell lies: what the
 * network's own reduction would make of the whole film.
 */
function means(whole: DecodedFrame, { rows, columns, scale, origin }: DecodedFrame): Float64Array {
  const at = (row: number, column: number) => {
    const y = Math.min(whole.rows - 1, Math.max(0, row));
    return whole.samples[y * whole.columns + Math.min(whole.columns - 1, Math.max(0, column))] ?? 0;
  };
  // A cell begins in the middle of a pixel: of the first and the last in each direction it covers a half.
  const weights = Array.from({ length: scale + 1 }, (_, i) => (i === 0 || i === scale ? 0.5 : 1) / scale);
  const from = origin - 0.5;
  return Float64Array.from({ length: rows * columns }, (_, cell) => {
    const top = Math.floor(cell / columns) * scale + from;
    const left = (cell % columns) * scale + from;
    let sum = 0;
    for (const [y, down] of weights.entries()) {
      for (const [x, across] of weights.entries()) sum += down * across * at(top + y, left + x);
    }
    return sum;
  });
}

/** Root mean square difference in 256ths of the range, and the shift between the two in cells. */
function difference(reduced: DecodedFrame, expected: Float64Array, bits: number) {
  const { rows, columns, samples } = reduced;
  let squares = 0;
  const slopes = { x: 0, y: 0, xx: 0, yy: 0 };
  for (let row = 1; row + 1 < rows; row++) {
    for (let column = 1; column + 1 < columns; column++) {
      const cell = row * columns + column;
      const value = (at: number) => expected[at] ?? 0;
      const off = (samples[cell] ?? 0) - value(cell);
      const x = (value(cell + 1) - value(cell - 1)) / 2;
      const y = (value(cell + columns) - value(cell - columns)) / 2;
      squares += off * off;
      slopes.x += off * x;
      slopes.y += off * y;
      slopes.xx += x * x;
      slopes.yy += y * y;
    }
  }
  const rms = (256 * Math.sqrt(squares / ((rows - 2) * (columns - 2)))) / 2 ** bits;
  return { rms, across: slopes.x / slopes.xx, down: slopes.y / slopes.yy };
}

for (const name of Object.keys(coders)) {
  for (const bits of name === '90' ? [8, 10, 12, 14, 16] : name === '201' ? [8, 10, 12, 15, 16] : [12]) {
    for (const [scale, size] of [
      [2, { width: 301, height: 263 }],
      [4, { width: 402, height: 379 }],
    ] as const) {
      if (scale === 4 && bits !== 12) continue;
      test(`${name}, ${bits} bits, at 1/${scale}: the means of the whole film, where the frame says`, async (t) => {
        const missing = missingTool(coders[name]?.(size, bits).tool ?? '');
        if (missing !== undefined) return t.skip(missing);
        const frame = coded(name, size, bits);
        const whole = await decoder.decode(frame);
        const least = Math.floor(Math.min(size.width, size.height) / scale);
        const reduced = await decoder.decode(frame, {
          shorterSide: name.startsWith('9') ? 2 * least : least,
        });
        assert.equal(reduced.scale, scale);
        assert.equal(reduced.rows, Math.ceil(size.height / scale));
        assert.equal(reduced.columns, Math.ceil(size.width / scale));
        assert.equal(reduced.samples.BYTES_PER_ELEMENT, bits > 8 ? 2 : 1);
        const found = difference(reduced, means(whole, reduced), bits);
        assert.ok(found.rms < 6, `differs by ${found.rms} grey levels`);
        assert.ok(Math.abs(found.across) < 0.15, `is shifted by ${found.across} cells across`);
        assert.ok(Math.abs(found.down) < 0.15, `is shifted by ${found.down} cells down`);
      });
    }
  }
}

for (const [name, option, bits, most] of [
  ['baseline', '+eb', 8, 3],
  ['extended', '+ee', 8, 3],
  ['extended', '+ee', 12, 8],
] as const) {
  for (const size of [
    { width: 301, height: 263 },
    { width: 64, height: 71 },
  ]) {
    test(`JPEG ${name}, ${bits} bits, ${size.width} × ${size.height}, halved: the means of 2 × 2 pixels`, async (t) => {
      const missing = missingTool('dcmcjpeg');
      if (missing !== undefined) return t.skip(missing);
      const stem = join(folder, String(files++));
      writeFileSync(`${stem}.dcm`, phantomFile({ ...size, bits, kind: 'CR', seed: 5 }));
      assert.ok(ran('dcmcjpeg', option, '+q', '85', `${stem}.dcm`, `${stem}.jpg.dcm`), 'the peer writes it');
      const frame = frameOf(`${stem}.jpg.dcm`);
      const whole = await decoder.decode(frame);
      const half = await decoder.decode(frame, {
        shorterSide: Math.floor(Math.min(size.width, size.height) / 2),
      });
      assert.deepEqual([half.scale, half.origin], [2, 0]);
      assert.deepEqual([half.columns, half.rows], [Math.ceil(size.width / 2), Math.ceil(size.height / 2)]);
      const of = (row: number, column: number) => whole.samples[row * whole.columns + column] ?? 0;
      let farthest = 0;
      let clamped = 0;
      for (let row = 0; row < size.height >> 1; row++) {
        for (let column = 0; column < size.width >> 1; column++) {
          const four = [0, 1].flatMap((y) => [of(2 * row + y, 2 * column), of(2 * row + y, 2 * column + 1)]);
          // Where black or white rings, the whole picture's pixels are clamped one by one.
          if (four.some((value) => value === 0 || value === 2 ** bits - 1)) clamped += 1;
          else {
            const mean = four.reduce((sum, value) => sum + value, 0) / 4;
            farthest = Math.max(farthest, Math.abs((half.samples[row * half.columns + column] ?? 0) - mean));
          }
        }
      }
      assert.ok(farthest <= most, `differs by ${farthest}`);
      assert.ok(clamped < half.samples.length / 4);
    });
  }
}

const film = { width: 256, height: 256 };

test('what is not wanted smaller, and what is small enough, is decoded whole', async (t) => {
  const missing = missingTool('opj_compress');
  if (missing !== undefined) return t.skip(missing);
  const frame = coded('90', film, 12);
  assert.equal((await decoder.decode(frame)).scale, 1);
  assert.equal((await decoder.decode(frame, { shorterSide: 257 })).scale, 1);
  assert.equal((await decoder.decode(frame, { shorterSide: 256 })).scale, 2);
});

test('never more levels are left out than the picture has', async (t) => {
  const missing = missingTool('opj_compress');
  if (missing !== undefined) return t.skip(missing);
  coders['90 of 2 levels'] = (size, bits) => openJpeg(size, bits, ['-n', '3']);
  assert.equal((await decoder.decode(coded('90 of 2 levels', film, 12), { shorterSide: 1 })).scale, 4);
  coders['90 of no level'] = (size, bits) => openJpeg(size, bits, ['-n', '1']);
  assert.equal((await decoder.decode(coded('90 of no level', film, 12), { shorterSide: 1 })).scale, 1);
});

test('signed values, whose low band may wrap, are decoded whole', async (t) => {
  const missing = missingTool('opj_compress');
  if (missing !== undefined) return t.skip(missing);
  const frame = coded('90', film, 12);
  const signed = { ...frame, format: { ...frame.format, pixelRepresentation: 1 as const } };
  assert.equal((await decoder.decode(signed, { shorterSide: 64 })).scale, 1);
});

test('values beyond Bits Stored are refused as they are in the whole picture', async (t) => {
  const missing = missingTool('opj_compress');
  if (missing !== undefined) return t.skip(missing);
  const frame = coded('90', film, 12);
  const narrow = { ...frame, format: { ...frame.format, bitsStored: 10, highBit: 9 } };
  await assert.rejects(decoder.decode(narrow), { code: 'pixel.precision-mismatch' });
  await assert.rejects(decoder.decode(narrow, { shorterSide: 64 }), { code: 'pixel.precision-mismatch' });
});

test('a damaged picture is an error or a picture, and the next one is decoded all the same', async (t) => {
  const missing = missingTool('opj_compress', 'ojph_compress');
  if (missing !== undefined) return t.skip(missing);
  for (const name of ['90', '201']) {
    const frame = coded(name, film, 12);
    const [bytes = new Uint8Array()] = frame.fragments;
    let refused = 0;
    for (let at = 100; at < 1400; at += 26) {
      const hurt = Uint8Array.from(bytes);
      hurt.fill(0xa5, at, at + 9);
      const outcome = await decoder.decode({ ...frame, fragments: [hurt] }, { shorterSide: 128 }).then(
        ({ samples, rows, columns }) => samples.length - rows * columns,
        (error: { code?: string }) => error.code ?? 'no code',
      );
      if (outcome !== 0) refused += 1;
      assert.match(String(outcome), /^0$|^pixel\./);
    }
    assert.ok(refused > 0, 'damage is found');
    assert.equal((await decoder.decode(frame, { shorterSide: 128 })).rows, name === '90' ? 64 : 128);
  }
});
