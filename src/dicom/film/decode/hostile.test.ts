import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { farthest, frameOf, missingTool, ran, storedValues } from '../../../../test/peers/pixel-tools.ts';
import { DeepHealthError, type ErrorCode } from '../../../errors/error.ts';
import { drawPhantom } from '../../phantom/draw.ts';
import { phantomFile } from '../../phantom/file.ts';
import { chance } from '../../phantom/random.ts';
import { createDecoder, type EncodedFrame, type FrameFormat } from './decoder.ts';
import { joinFragments } from './fragments.ts';

const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
const decoder = createDecoder({ workers: 1, limits: { milliseconds: 4_000 } });
after(async () => {
  await decoder.close();
  rmSync(folder, { recursive: true });
});

const picture = { width: 67, height: 51, seed: 4 } as const;
const source = join(folder, 'source.dcm');
before(() => writeFileSync(source, phantomFile({ ...picture, kind: 'CR' })));

/** One coding each: how a peer makes the frame. */
const codings: Record<string, { tool: string; code: (to: string) => boolean; lossless: boolean }> = {
  RLE: { tool: 'dcmcrle', code: (to) => ran('dcmcrle', source, to), lossless: true },
  'JPEG baseline': { tool: 'dcmcjpeg', code: (to) => ran('dcmcjpeg', '+eb', source, to), lossless: false },
  'JPEG extended': { tool: 'dcmcjpeg', code: (to) => ran('dcmcjpeg', '+ee', source, to), lossless: false },
  'JPEG lossless': { tool: 'dcmcjpeg', code: (to) => ran('dcmcjpeg', '+e1', source, to), lossless: true },
  'JPEG-LS': { tool: 'dcmcjpls', code: (to) => ran('dcmcjpls', '+el', source, to), lossless: true },
  'JPEG 2000': { tool: 'gdcmconv', code: (to) => ran('gdcmconv', '--j2k', source, to), lossless: true },
  HTJ2K: { tool: 'ojph_compress', code: () => false, lossless: true },
};

function frameIn(coding: string): EncodedFrame {
  if (coding === 'HTJ2K') return highThroughputFrame();
  const file = join(folder, `${coding}.dcm`);
  assert.ok(codings[coding]?.code(file), 'the peer writes it');
  const frame = frameOf(file);
  // A copy of its own, so that a mutation changes nothing else.
  return { ...frame, fragments: [joinFragments(frame.fragments).slice()] };
}

function highThroughputFrame(): EncodedFrame {
  const { width, height, pixels } = drawPhantom(picture);
  const stem = join(folder, 'high');
  writeFileSync(`${stem}.yuv`, new Uint8Array(pixels.buffer));
  const options = [
    '-dims',
    `{${width},${height}}`,
    '-num_comps',
    '1',
    '-signed',
    'false',
    '-bit_depth',
    '12',
  ];
  const coded = ['-downsamp', '{1,1}', '-reversible', 'true', '-i', `${stem}.yuv`, '-o', `${stem}.j2c`];
  assert.ok(ran('ojph_compress', ...options, ...coded), 'the peer writes it');
  return {
    transferSyntax: '1.2.840.10008.1.2.4.201',
    format: frameOf(source).format,
    fragments: [Uint8Array.from(readFileSync(`${stem}.j2c`))],
  };
}

const bytesOf = (frame: EncodedFrame) => frame.fragments[0] ?? new Uint8Array();
const withBytes = (frame: EncodedFrame, bytes: Uint8Array): EncodedFrame => ({
  ...frame,
  fragments: [bytes],
});
const withFormat = (frame: EncodedFrame, format: Partial<FrameFormat>): EncodedFrame => ({
  ...frame,
  format: { ...frame.format, ...format },
});

/** The error code of a frame, or `decoded`; anything but a picture of the right size or a code fails. */
async function outcome(frame: EncodedFrame): Promise<ErrorCode | 'decoded'> {
  try {
    const { samples, rows, columns } = await decoder.decode(frame);
    assert.equal(samples.length, rows * columns);
    return 'decoded';
  } catch (error) {
    assert.ok(error instanceof DeepHealthError, String(error));
    assert.match(error.code, /^pixel\./);
    return error.code;
  }
}

async function stillDecodes(frame: EncodedFrame, lossless: boolean): Promise<void> {
  const { samples } = await decoder.decode(frame);
  if (!lossless) return;
  const film = frameOf(source);
  const cells = new Uint16Array((film.fragments[0] ?? new Uint8Array()).slice().buffer);
  assert.equal(farthest(storedValues(samples, frame.format), storedValues(cells, film.format)), 0);
}

for (const [coding, { tool, lossless }] of Object.entries(codings)) {
  test(`${coding}: in many fragments it is the same picture`, async (t) => {
    const missing = missingTool(tool);
    if (missing !== undefined) return t.skip(missing);
    const frame = frameIn(coding);
    const bytes = bytesOf(frame);
    const fragments: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += 100) fragments.push(bytes.subarray(at, at + 100));
    fragments.splice(3, 0, new Uint8Array());
    const whole = await decoder.decode(frame);
    const pieces = await decoder.decode({ ...frame, fragments });
    assert.deepEqual(pieces.samples, whole.samples);
  });

  test(`${coding}: cut short anywhere it is an error, never a picture`, async (t) => {
    const missing = missingTool(tool);
    if (missing !== undefined) return t.skip(missing);
    const frame = frameIn(coding);
    const bytes = bytesOf(frame);
    for (let twentieth = 0; twentieth < 20; twentieth++) {
      const cut = bytes.slice(0, Math.floor((bytes.length * twentieth) / 20));
      const code = await outcome(withBytes(frame, cut));
      assert.ok(
        code === 'pixel.truncated' || code === 'pixel.undecodable',
        `${twentieth}/20 of it gives ${code}`,
      );
    }
    await stillDecodes(frame, lossless);
  });

  test(`${coding}: a header that lies about the size or the depth is an error`, async (t) => {
    const missing = missingTool(tool);
    if (missing !== undefined) return t.skip(missing);
    const frame = frameIn(coding);
    const { rows, columns } = frame.format;
    const size = coding === 'RLE' ? 'pixel.truncated' : 'pixel.size-mismatch';
    assert.equal(await outcome(withFormat(frame, { rows: rows + 1 })), size);
    assert.equal(await outcome(withFormat(frame, { columns: columns + 1 })), size);
    if (coding !== 'RLE') {
      assert.equal(await outcome(withFormat(frame, { rows: columns, columns: rows })), size);
    }
    const depth =
      frame.format.bitsAllocated === 8
        ? ({ bitsAllocated: 16, bitsStored: 12, highBit: 11 } as const)
        : ({ bitsAllocated: 8, bitsStored: 8, highBit: 7 } as const);
    assert.equal(await outcome(withFormat(frame, depth)), 'pixel.precision-mismatch');
    await stillDecodes(frame, lossless);
  });

  test(`${coding}: 500 damaged copies crash nothing, and the next film decodes`, async (t) => {
    const missing = missingTool(tool);
    if (missing !== undefined) return t.skip(missing);
    const frame = frameIn(coding);
    const random = chance(500);
    const counts = new Map<string, number>();
    for (let copy = 0; copy < 500; copy++) {
      const damaged = bytesOf(frame).slice();
      const changes = 1 + Math.floor(8 * random.next());
      // Half of the damage goes into the header, where sizes and tables are.
      const reach = copy % 2 === 0 ? Math.min(200, damaged.length) : damaged.length;
      for (let change = 0; change < changes; change++) {
        damaged[Math.floor(reach * random.next())] = Math.floor(256 * random.next());
      }
      const code = await outcome(withBytes(frame, damaged));
      counts.set(code, (counts.get(code) ?? 0) + 1);
    }
    // A damaged HTJ2K picture can send its decoder into an endless loop: the time limit ends it.
    t.diagnostic([...counts].map(([code, count]) => `${code} ${count}`).join(', '));
    assert.equal(counts.get('pixel.decoder-crashed') ?? 0, 0);
    await stillDecodes(frame, lossless);
  });
}

for (const coding of ['JPEG baseline', 'JPEG extended', 'JPEG lossless', 'JPEG-LS', 'HTJ2K']) {
  test(`${coding}: damage that its decoder goes over and only mentions is an error`, async (t) => {
    const missing = missingTool(codings[coding]?.tool ?? '');
    if (missing !== undefined) return t.skip(missing);
    const frame = frameIn(coding);
    const damaged = bytesOf(frame).slice();
    const random = chance(9);
    for (let at = Math.floor(0.45 * damaged.length); at < 0.55 * damaged.length; at++) {
      damaged[at] = Math.floor(256 * random.next());
    }
    assert.equal(await outcome(withBytes(frame, damaged)), 'pixel.undecodable');
  });
}

test('a few bytes that claim 60,000 × 60,000 pixels are refused before anything is allocated', async (t) => {
  const missing = missingTool('gdcmconv');
  if (missing !== undefined) return t.skip(missing);
  const frame = frameIn('JPEG 2000');
  const bomb = bytesOf(frame).slice();
  const view = new DataView(bomb.buffer);
  for (const at of [8, 12, 24, 28]) view.setUint32(at, 60_000);
  const claim = withFormat(withBytes(frame, bomb), { rows: 60_000, columns: 60_000 });
  assert.equal(await outcome(claim), 'pixel.too-large');
  assert.equal(await outcome(withBytes(frame, bomb)), 'pixel.size-mismatch');
});

test('a bomb within the pixel limit fails inside the bounded heap', async (t) => {
  const missing = missingTool('gdcmconv');
  if (missing !== undefined) return t.skip(missing);
  const tight = createDecoder({ workers: 1, limits: { heapBytes: 64 * 2 ** 20 } });
  try {
    const frame = frameIn('JPEG 2000');
    const bomb = bytesOf(frame).slice();
    const view = new DataView(bomb.buffer);
    for (const at of [8, 12, 24, 28]) view.setUint32(at, 6_500);
    const claim = withFormat(withBytes(frame, bomb), { rows: 6_500, columns: 6_500 });
    await assert.rejects(tight.decode(claim), { code: 'pixel.undecodable' });
    assert.ok(await tight.decode(frame));
  } finally {
    await tight.close();
  }
});

test('three samples a pixel are refused, in the header and in the codestream', async (t) => {
  const missing = missingTool('dcmcjpeg');
  if (missing !== undefined) return t.skip(missing);
  const frame = frameIn('JPEG baseline');
  assert.equal(await outcome(withFormat(frame, { samplesPerPixel: 3 })), 'pixel.format-unsupported');
  const colour = bytesOf(frame).slice();
  const sof = colour.findIndex((byte, at) => byte === 0xff && colour[at + 1] === 0xc0);
  colour[sof + 9] = 3;
  assert.equal(await outcome(withBytes(frame, colour)), 'pixel.precision-mismatch');
});

test('a codestream of another kind than the transfer syntax says is an error', async (t) => {
  const missing = missingTool('dcmcjpls') ?? missingTool('gdcmconv');
  if (missing !== undefined) return t.skip(missing);
  const jpegLs = frameIn('JPEG-LS');
  const jpeg2000 = frameIn('JPEG 2000');
  const swapped = { ...jpegLs, transferSyntax: '1.2.840.10008.1.2.4.70' };
  assert.equal(await outcome(swapped), 'pixel.undecodable');
  assert.equal(await outcome(withBytes(jpegLs, bytesOf(jpeg2000))), 'pixel.undecodable');
  assert.equal(await outcome(withBytes(jpeg2000, new Uint8Array(300))), 'pixel.undecodable');
});

test('after all of this the memory of the process is bounded', async () => {
  globalThis.gc?.();
  const { rss } = process.memoryUsage();
  assert.ok(rss < 700 * 2 ** 20, `${Math.round(rss / 2 ** 20)} MiB resident`);
});
