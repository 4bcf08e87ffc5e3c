import { DeepHealthError } from '../../../errors/error.ts';
import type { Codestream } from './codestream.ts';
import type { FrameFormat } from './frame.ts';

/**
 * Compares what a compressed frame says about itself with the header. Rows, Columns and samples must be the
 * same. The depth may differ where archives really differ and no value can change its meaning
 * (docs/decisions/0020): a codestream deeper than Bits Stored is taken when its values turn out to fit, a
 * shallower one when both need two bytes.
 *
 * @throws DeepHealthError `pixel.size-mismatch`, `pixel.precision-mismatch`, `pixel.format-unsupported`.
 */
export function checkCodestream(codestream: Codestream, format: FrameFormat): void {
  const { rows, columns, bitsAllocated, bitsStored } = format;
  const { size, precision, components } = codestream;
  if (size !== undefined && (size.rows !== rows || size.columns !== columns)) {
    throw new DeepHealthError(
      'pixel.size-mismatch',
      `The header says ${columns} × ${rows}, the compressed picture is ${size.columns} × ${size.rows}.`,
    );
  }
  const mismatch = (found: string) =>
    new DeepHealthError(
      'pixel.precision-mismatch',
      `The header says 1 sample of ${bitsStored} bits in ${bitsAllocated}, the compressed picture has ${found}.`,
    );
  if (components !== 1) throw mismatch(`${components} samples`);
  if (codestream.codec === 'rle') {
    if (bitsAllocated === 32) {
      throw new DeepHealthError('pixel.format-unsupported', 'RLE cells of 32 bits are not films.');
    }
    if (precision !== bitsAllocated) throw mismatch(`cells of ${precision} bits`);
    return;
  }
  if (precision < 2 || precision > 16 || precision > bitsAllocated || (precision <= 8 && bitsStored > 8)) {
    throw mismatch(`${precision} bits`);
  }
}
