import { DeepHealthError } from '../../../errors/error.ts';
import type { FrameFormat } from './frame.ts';
import type { DecodeLimits } from './limits.ts';

/**
 * Refuses headers that describe no grey film or more pixels than the limits allow.
 * @throws DeepHealthError `pixel.format-unsupported`, `pixel.too-large`.
 */
export function checkFormat(format: FrameFormat, limits: DecodeLimits): void {
  const { rows, columns, bitsAllocated, bitsStored, highBit, samplesPerPixel } = format;
  const unsupported = (sentence: string) => new DeepHealthError('pixel.format-unsupported', sentence);
  if (!isCount(rows, 65_535) || !isCount(columns, 65_535))
    throw unsupported('Rows or Columns is missing or zero.');
  if (samplesPerPixel !== 1)
    throw unsupported(`A film has 1 sample a pixel, this one says ${samplesPerPixel}.`);
  if (bitsAllocated !== 8 && bitsAllocated !== 16 && bitsAllocated !== 32) {
    throw unsupported(`Cells of ${bitsAllocated} bits are not supported (8, 16 or 32 are).`);
  }
  if (!isCount(bitsStored, bitsAllocated)) {
    throw unsupported(`Bits Stored ${bitsStored} does not fit Bits Allocated ${bitsAllocated}.`);
  }
  if (!isCount(highBit + 1, bitsAllocated) || highBit + 1 < bitsStored) {
    throw unsupported(`High Bit ${highBit} does not fit Bits Stored ${bitsStored}.`);
  }
  if (rows * columns > limits.pixels) {
    throw new DeepHealthError(
      'pixel.too-large',
      `The header says ${columns} × ${rows} pixels, at most ${limits.pixels} in all are decoded.`,
    );
  }
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most;
}
