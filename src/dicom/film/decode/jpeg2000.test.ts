import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { farthest, missingTool, ran, storedValues } from '../../../../test/peers/pixel-tools.ts';
import { drawPhantom } from '../../phantom/draw.ts';
import { createDecoder, type EncodedFrame } from './decoder.ts';

const folder = mkdtempSync(join(tmpdir(), 'jpeg2000-'));
const decoder = createDecoder({ workers: 1 });
after(async () => {
  await decoder.close();
  rmSync(folder, { recursive: true });
});

const width = 123;
const height = 97;

/** Codestreams of an unsigned phantom by OpenJPEG and OpenJPH: encoders that are not the decoder's own. */
const encoders = {
  'JPEG 2000 by OpenJPEG': {
    tool: 'opj_compress',
    syntax: '1.2.840.10008.1.2.4.91',
    input: 'rawl',
    output: 'j2k',
    options: (bits: number) => ['-F', `${width},${height},1,${bits},u`, '-n', '4'],
  },
  'HTJ2K by OpenJPH': {
    tool: 'ojph_compress',
    syntax: '1.2.840.10008.1.2.4.201',
    input: 'yuv',
    output: 'j2c',
    options: (bits: number) => [...plain(bits), '-reversible', 'true'],
  },
  'HTJ2K in resolution order by OpenJPH': {
    tool: 'ojph_compress',
    syntax: '1.2.840.10008.1.2.4.202',
    input: 'yuv',
    output: 'j2c',
    options: (bits: number) => [...plain(bits), '-reversible', 'true', '-prog_order', 'RPCL'],
  },
  'HTJ2K with loss by OpenJPH': {
    tool: 'ojph_compress',
    syntax: '1.2.840.10008.1.2.4.203',
    input: 'yuv',
    output: 'j2c',
    options: (bits: number) => [...plain(bits), '-reversible', 'false', '-qstep', '0.002'],
  },
} as const;

function plain(bits: number): string[] {
  return [
    ...['-dims', `{${width},${height}}`, '-num_comps', '1', '-signed', 'false'],
    ...['-bit_depth', String(bits), '-downsamp', '{1,1}'],
  ];
}

let files = 0;

/** A codestream, its source, and the file it is in. */
function coded(encoder: (typeof encoders)[keyof typeof encoders], bits: number) {
  const { pixels } = drawPhantom({ width, height, bits, seed: 3 });
  const stem = join(folder, String(files++));
  writeFileSync(
    `${stem}.${encoder.input}`,
    bits > 8 ? new Uint8Array(pixels.buffer) : Uint8Array.from(pixels),
  );
  const file = `${stem}.${encoder.output}`;
  assert.ok(
    ran(encoder.tool, '-i', `${stem}.${encoder.input}`, '-o', file, ...encoder.options(bits)),
    'the peer writes it',
  );
  return { bytes: readFileSync(file), source: Int32Array.from(pixels), file };
}

function frame(syntax: string, bytes: Uint8Array, bits: number, pixelRepresentation: 0 | 1): EncodedFrame {
  return {
    transferSyntax: syntax,
    fragments: [bytes],
    format: {
      rows: height,
      columns: width,
      bitsAllocated: bits > 8 ? 16 : 8,
      bitsStored: bits,
      highBit: bits - 1,
      pixelRepresentation,
      samplesPerPixel: 1,
      photometricInterpretation: 'MONOCHROME2',
      planarConfiguration: 0,
    },
  };
}

/** Sets the sign bit of SIZ: the same samples without the level shift, so 2^(bits-1) lower. */
function markedSigned(bytes: Uint8Array): Uint8Array {
  const signed = Uint8Array.from(bytes);
  signed[42] = (signed[42] ?? 0) | 0x80;
  return signed;
}

for (const [name, encoder] of Object.entries(encoders)) {
  const lossy = encoder.syntax.endsWith('.203');
  // opj_compress writes no 15 bits.
  for (const bits of encoder.tool === 'opj_compress' ? [8, 10, 12, 14, 16] : [8, 10, 12, 14, 15, 16]) {
    test(`${name}: ${bits} bits, unsigned`, async (t) => {
      const missing = missingTool(encoder.tool, ...(lossy ? ['ojph_expand'] : []));
      if (missing !== undefined) return t.skip(missing);
      const { bytes, source, file } = coded(encoder, bits);
      const encoded = frame(encoder.syntax, bytes, bits, 0);
      const decoded = await decoder.decode(encoded);
      const values = storedValues(decoded.samples, encoded.format);
      if (!lossy) {
        assert.equal(farthest(values, source), 0);
        return;
      }
      assert.ok(decoded.remarks.some(({ code }) => code === 'lossy'));
      const expanded = `${file}.yuv`;
      assert.ok(ran('ojph_expand', '-i', file, '-o', expanded));
      const cells = readFileSync(expanded);
      const reference = Int32Array.from(bits > 8 ? new Uint16Array(new Uint8Array(cells).buffer) : cells);
      assert.ok(farthest(values, reference) <= 1, `differs by ${farthest(values, reference)}`);
    });
    if (lossy) continue;
    test(`${name}: ${bits} bits, signed codestream`, async (t) => {
      const missing = missingTool(encoder.tool);
      if (missing !== undefined) return t.skip(missing);
      const { bytes, source } = coded(encoder, bits);
      const expected = source.map((value) => value - 2 ** (bits - 1));
      const encoded = frame(encoder.syntax, markedSigned(bytes), bits, 1);
      const decoded = await decoder.decode(encoded);
      assert.equal(farthest(storedValues(decoded.samples, encoded.format), expected), 0);
    });
    test(`${name}: ${bits} bits, the header's sign counts, not the codestream's`, async (t) => {
      const missing = missingTool(encoder.tool);
      if (missing !== undefined) return t.skip(missing);
      const { bytes, source } = coded(encoder, bits);
      const signedHeader = frame(encoder.syntax, bytes, bits, 1);
      const first = await decoder.decode(signedHeader);
      const patterns = storedValues(Uint16Array.from(source), signedHeader.format);
      assert.equal(farthest(storedValues(first.samples, signedHeader.format), patterns), 0);

      const unsignedHeader = frame(encoder.syntax, markedSigned(bytes), bits, 0);
      const second = await decoder.decode(unsignedHeader);
      const shifted = source.map((value) => (value - 2 ** (bits - 1)) & (2 ** bits - 1));
      assert.equal(farthest(storedValues(second.samples, unsignedHeader.format), shifted), 0);
    });
  }
}

test('a JP2 file round the codestream is taken off', async (t) => {
  const missing = missingTool('opj_compress');
  if (missing !== undefined) return t.skip(missing);
  const encoder = {
    ...encoders['JPEG 2000 by OpenJPEG'],
    output: 'jp2',
  } as unknown as (typeof encoders)['JPEG 2000 by OpenJPEG'];
  const { bytes, source } = coded(encoder, 12);
  const encoded = frame(encoder.syntax, bytes, 12, 0);
  const { samples } = await decoder.decode(encoded);
  assert.equal(farthest(storedValues(samples, encoded.format), source), 0);
});

test('a missing end marker alone is no damage', async (t) => {
  const missing = missingTool('opj_compress');
  if (missing !== undefined) return t.skip(missing);
  const encoder = encoders['JPEG 2000 by OpenJPEG'];
  const { bytes, source } = coded(encoder, 12);
  const encoded = frame(encoder.syntax, bytes.subarray(0, -2), 12, 0);
  const { samples } = await decoder.decode(encoded);
  assert.equal(farthest(storedValues(samples, encoded.format), source), 0);
});
