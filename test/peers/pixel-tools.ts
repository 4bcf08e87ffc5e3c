import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import dicomParser from 'dicom-parser';
import type { EncodedFrame, FrameFormat } from '../../src/dicom/film/decode/decoder.ts';

/** Command line tools that code and decode pixels: dcmtk, gdcm, OpenJPEG, OpenJPH. */

/** Names the first tool that is not installed, for `t.skip`; undefined when all are there. */
export function missingTool(...tools: string[]): string | undefined {
  const missing = tools.find((tool) => spawnSync(tool, ['--version']).error !== undefined);
  return missing === undefined ? undefined : `${missing} is not installed`;
}

/**
 * Runs a tool.
 * @returns whether it succeeded.
 */
export function ran(tool: string, ...parameters: string[]): boolean {
  try {
    execFileSync(tool, parameters, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The first frame of a file, read by dicom-parser. */
export function frameOf(path: string): EncodedFrame {
  const file = readFileSync(path);
  const dataset = dicomParser.parseDicom(file);
  const pixels = dataset.elements.x7fe00010;
  if (pixels === undefined) throw new Error(`${path} has no pixels`);
  const number = (tag: string) => dataset.uint16(tag) ?? Number.NaN;
  const format: FrameFormat = {
    rows: number('x00280010'),
    columns: number('x00280011'),
    bitsAllocated: number('x00280100') === 8 ? 8 : 16,
    bitsStored: number('x00280101'),
    highBit: number('x00280102'),
    pixelRepresentation: number('x00280103') === 1 ? 1 : 0,
    samplesPerPixel: number('x00280002'),
    photometricInterpretation: dataset.string('x00280004') ?? '',
    planarConfiguration: 0,
  };
  const piece = (at: number, length: number) => new Uint8Array(file.buffer, file.byteOffset + at, length);
  return {
    transferSyntax: dataset.string('x00020010') ?? '',
    format,
    fragments: pixels.fragments?.map(({ position, length }) => piece(position, length)) ?? [
      piece(pixels.dataOffset, pixels.length),
    ],
    ...(pixels.vr === 'OW' || pixels.vr === 'OB' ? { vr: pixels.vr } : {}),
  };
}

/** Stored values as numbers: masked to Bits Stored, the sign extended. */
export function storedValues(cells: Uint8Array | Uint16Array, format: FrameFormat): Int32Array {
  const shift = 32 - format.bitsStored;
  const signed = format.pixelRepresentation === 1;
  return Int32Array.from(cells, (cell) => (signed ? (cell << shift) >> shift : (cell << shift) >>> shift));
}

/** The largest difference between two pictures. */
export function farthest(a: Int32Array, b: Int32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let at = 0; at < a.length; at++) most = Math.max(most, Math.abs((a[at] ?? 0) - (b[at] ?? 0)));
  return most;
}
