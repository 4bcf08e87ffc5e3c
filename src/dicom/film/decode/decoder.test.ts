import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { farthest, frameOf, missingTool, ran, storedValues } from '../../../../test/peers/pixel-tools.ts';
import { type PhantomFile, phantomFile } from '../../phantom/file.ts';
import { createDecoder, type EncodedFrame, type FrameFormat } from './decoder.ts';

const folder = mkdtempSync(join(tmpdir(), 'decode-'));
const decoder = createDecoder({ workers: 2 });
after(async () => {
  await decoder.close();
  rmSync(folder, { recursive: true });
});

let files = 0;
const path = (name: string) => join(folder, `${files++}-${name}`);

/** A small phantom of odd size on disk; CR, because DX knows no signed pixels. */
function film(options: PhantomFile): string {
  const file = path('film.dcm');
  writeFileSync(file, phantomFile({ kind: 'CR', width: 123, height: 97, seed: 3, ...options }));
  return file;
}

async function valuesOf(frame: EncodedFrame): Promise<Int32Array> {
  const decoded = await decoder.decode(frame);
  assert.equal(decoded.rows, frame.format.rows);
  assert.equal(decoded.columns, frame.format.columns);
  assert.equal(decoded.scale, 1);
  assert.equal(
    decoded.samples.BYTES_PER_ELEMENT,
    frame.format.bitsAllocated / 8,
    'cells are as wide as the header says',
  );
  const values = storedValues(decoded.samples, frame.format);
  // So that every frame of this file is decoded in the memory of those before it.
  decoder.release(decoded);
  return values;
}

/** The values of a native little endian file, read here. */
function nativeValues(file: string): Int32Array {
  const { format, fragments } = frameOf(file);
  return storedValues(cellsOf(fragments[0] ?? new Uint8Array(), format), format);
}

/**
 * The values of a lossy film as a peer decoded them. Peers leave values that the coding overshot beyond Bits
 * Stored (and some then widen Bits Stored): those are clamped, as the decoder has to.
 */
function clampedValues(file: string, { bitsStored, pixelRepresentation }: FrameFormat): Int32Array {
  const { format, fragments } = frameOf(file);
  const least = pixelRepresentation === 1 ? -(2 ** (bitsStored - 1)) : 0;
  const most = least + 2 ** bitsStored - 1;
  const whole = { ...format, bitsStored: format.bitsAllocated, pixelRepresentation };
  return storedValues(cellsOf(fragments[0] ?? new Uint8Array(), format), whole).map((value) =>
    Math.min(most, Math.max(least, value)),
  );
}

function cellsOf(bytes: Uint8Array, { rows, columns, bitsAllocated }: FrameFormat): Uint8Array | Uint16Array {
  const frame = bytes.slice(0, (rows * columns * bitsAllocated) / 8);
  return bitsAllocated === 8 ? frame : new Uint16Array(frame.buffer);
}

/** How a peer makes a syntax, and which peer decodes it for comparison. */
interface Coder {
  readonly name: string;
  readonly syntax: string;
  readonly tool: string;
  readonly options: string[];
  /** The reference decoder of lossy files; lossless ones are compared with the film itself. */
  readonly reference?: [string, ...string[]];
  /** The peer refuses or spoils some pixels. */
  readonly refuses?: (film: { bits: number; signed: boolean }) => boolean;
}

const J2K = '1.2.840.10008.1.2.4.9';
const JPEG = '1.2.840.10008.1.2.4.';
const coders: Coder[] = [
  { name: 'implicit little endian by dcmtk', syntax: '1.2.840.10008.1.2', tool: 'dcmconv', options: ['+ti'] },
  {
    name: 'explicit little endian by dcmtk',
    syntax: '1.2.840.10008.1.2.1',
    tool: 'dcmconv',
    options: ['+te'],
  },
  { name: 'explicit big endian by dcmtk', syntax: '1.2.840.10008.1.2.2', tool: 'dcmconv', options: ['+tb'] },
  { name: 'RLE by dcmtk', syntax: '1.2.840.10008.1.2.5', tool: 'dcmcrle', options: [] },
  {
    name: 'RLE by gdcm',
    syntax: '1.2.840.10008.1.2.5',
    tool: 'gdcmconv',
    options: ['--rle'],
    // gdcm's assertion fails for odd planes of 8 bits.
    refuses: ({ bits }) => bits === 8,
  },
  {
    name: 'JPEG baseline by dcmtk',
    syntax: `${JPEG}50`,
    tool: 'dcmcjpeg',
    options: ['+eb', '+q', '90'],
    reference: ['dcmdjpeg'],
  },
  {
    name: 'JPEG extended by dcmtk',
    syntax: `${JPEG}51`,
    tool: 'dcmcjpeg',
    options: ['+ee', '+q', '90'],
    reference: ['dcmdjpeg'],
  },
  { name: 'JPEG lossless by dcmtk', syntax: `${JPEG}57`, tool: 'dcmcjpeg', options: ['+el'] },
  { name: 'JPEG lossless, predictor 1, by dcmtk', syntax: `${JPEG}70`, tool: 'dcmcjpeg', options: ['+e1'] },
  { name: 'JPEG lossless by gdcm', syntax: `${JPEG}70`, tool: 'gdcmconv', options: ['--jpeg'] },
  { name: 'JPEG-LS by dcmtk', syntax: `${JPEG}80`, tool: 'dcmcjpls', options: ['+el'] },
  { name: 'JPEG-LS by gdcm', syntax: `${JPEG}80`, tool: 'gdcmconv', options: ['--jpegls'] },
  {
    name: 'JPEG-LS near lossless by dcmtk',
    syntax: `${JPEG}81`,
    tool: 'dcmcjpls',
    options: ['+en', '+md', '2'],
    reference: ['dcmdjpls'],
    refuses: ({ signed }) => signed,
  },
  {
    name: 'JPEG-LS near lossless by gdcm',
    syntax: `${JPEG}81`,
    tool: 'gdcmconv',
    options: ['--jpegls', '--lossy', '-e', '2'],
    reference: ['gdcmconv', '--raw'],
  },
  { name: 'JPEG 2000 by gdcm', syntax: `${J2K}0`, tool: 'gdcmconv', options: ['--j2k'] },
  {
    name: 'JPEG 2000 with loss by gdcm',
    syntax: `${J2K}1`,
    tool: 'gdcmconv',
    options: ['--j2k', '--lossy', '-r', '10'],
    reference: ['gdcmconv', '--raw'],
  },
];

for (const coder of coders) {
  for (const bits of [8, 10, 12, 14, 15, 16]) {
    for (const signed of [false, true]) {
      if (coder.refuses?.({ bits, signed })) continue;
      test(`${coder.name}: ${bits} bits, ${signed ? 'signed' : 'unsigned'}`, async (t) => {
        const missing = missingTool(coder.tool, ...(coder.reference?.slice(0, 1) ?? []));
        if (missing !== undefined) return t.skip(missing);
        const source = film({ bits, signed });
        const coded = path('coded.dcm');
        assert.ok(ran(coder.tool, ...coder.options, source, coded), 'the peer writes it');
        const frame = frameOf(coded);
        assert.equal(frame.transferSyntax, coder.syntax);
        const values = await valuesOf(frame);
        if (coder.reference === undefined) {
          assert.equal(farthest(values, nativeValues(source)), 0);
          return;
        }
        const plain = path('plain.dcm');
        const [tool, ...parameters] = coder.reference;
        assert.ok(ran(tool, ...parameters, coded, plain), 'the peer reads it');
        const reference = clampedValues(plain, frame.format);
        assert.ok(farthest(values, reference) <= 1, `differs by ${farthest(values, reference)}`);
      });
    }
  }
}

test('memory is used again only once a frame was released, and never that of a native frame', async (t) => {
  const missing = missingTool('dcmcrle');
  if (missing !== undefined) return t.skip(missing);
  const coded = (seed: number) => {
    const [source, rle] = [film({ seed }), path('rle.dcm')];
    assert.ok(ran('dcmcrle', source, rle), 'the peer writes it');
    return { frame: frameOf(rle), values: nativeValues(source), native: frameOf(source) };
  };
  const [one, other] = [coded(1), coded(2)];
  const native = await decoder.decode(one.native);
  decoder.release(native);
  const [first, second] = [await decoder.decode(one.frame), await decoder.decode(other.frame)];
  assert.equal(farthest(storedValues(first.samples, one.frame.format), one.values), 0);
  assert.equal(farthest(storedValues(second.samples, other.frame.format), other.values), 0);
  assert.equal(farthest(storedValues(native.samples, one.native.format), one.values), 0);
  decoder.release(first);
  decoder.release(first);
  const [third, fourth] = [await decoder.decode(other.frame), await decoder.decode(one.frame)];
  assert.notEqual(third.samples.buffer, fourth.samples.buffer);
  assert.equal(farthest(storedValues(third.samples, other.frame.format), other.values), 0);
  assert.equal(farthest(storedValues(fourth.samples, one.frame.format), one.values), 0);
});
