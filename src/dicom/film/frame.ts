import { DeepHealthError } from '../../errors/error.ts';
import { type DicomDataset, number, text } from '../dataset.ts';
import type { EncodedFrame, FrameFormat } from './decode/decoder.ts';
import type { FilmLimits } from './limits.ts';
import type { PixelField } from './pixel-field.ts';

/**
 * The one frame of a film as the decoder takes it (PS3.5 8, A.4). A film has one frame, so all fragments belong
 * to it whatever the offset table says; empty ones are left out.
 *
 * @throws DeepHealthError `film.not-an-image`, `pixel.format-unsupported`, `pixel.too-large`, `pixel.truncated`.
 */
export function encodedFrame(
  dataset: DicomDataset,
  pixelField: PixelField | null,
  transferSyntax: string,
  limits: FilmLimits,
): EncodedFrame {
  if (pixelField === null) throw new DeepHealthError('film.not-an-image', 'The object holds no pixels.');
  const format = frameFormat(dataset);
  if (format.rows * format.columns > limits.pixels) {
    throw new DeepHealthError(
      'pixel.too-large',
      `The header says ${format.columns} × ${format.rows} pixels; at most ${limits.pixels} in all are read.`,
    );
  }
  const fragments =
    pixelField.kind === 'native'
      ? unwrappedItems(pixelField.field)
      : pixelField.fragments.filter((fragment) => fragment.length > 0);
  if (!fragments.some((fragment) => fragment.length > 0)) {
    throw new DeepHealthError('pixel.truncated', 'Pixel Data is empty.');
  }
  const vr =
    pixelField.kind === 'native' && (pixelField.vr === 'OB' || pixelField.vr === 'OW')
      ? pixelField.vr
      : undefined;
  return { transferSyntax, format, fragments, ...(vr !== undefined && { vr }) };
}

/** Some writers give encapsulated pixels a length instead of a delimiter: then the items stand in the field. */
function unwrappedItems(field: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(field.buffer, field.byteOffset, field.byteLength);
  const found: Uint8Array[] = [];
  let at = 0;
  while (at + 8 <= field.length && view.getUint32(at, true) === 0xe000fffe) {
    const length = view.getUint32(at + 4, true);
    if (at + 8 + length > field.length) return [field];
    found.push(field.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  const delimiter = at + 8 <= field.length && view.getUint32(at, true) === 0xe0ddfffe;
  return found.length >= 2 && (at === field.length || delimiter) ? found.slice(1) : [field];
}

/** The Image Pixel attributes (PS3.3 C.7.6.3), with what can be told where one is missing. */
function frameFormat(dataset: DicomDataset): FrameFormat {
  const bitsAllocated = number(dataset, '00280100');
  if (bitsAllocated !== 8 && bitsAllocated !== 16 && bitsAllocated !== 32) {
    throw new DeepHealthError('pixel.format-unsupported', 'Bits Allocated is neither 8 nor 16 nor 32.');
  }
  const bitsStored = number(dataset, '00280101') ?? bitsAllocated;
  return {
    rows: number(dataset, '00280010') ?? 0,
    columns: number(dataset, '00280011') ?? 0,
    bitsAllocated,
    bitsStored,
    highBit: number(dataset, '00280102') ?? bitsStored - 1,
    pixelRepresentation: number(dataset, '00280103') === 1 ? 1 : 0,
    samplesPerPixel: number(dataset, '00280002') ?? 1,
    photometricInterpretation: text(dataset, '00280004') ?? 'MONOCHROME2',
    planarConfiguration: number(dataset, '00280006') === 1 ? 1 : 0,
  };
}
