import { DeepHealthError } from '../../../errors/error.ts';
import { cellsIn } from './cells.ts';
import type { DecodeJob } from './job.ts';

/**
 * What a lossy coding may ring beyond black and white: this share of the cells, this share of the range.
 * More, and the depth itself is doubted.
 */
const MOST_OVERSHOT_CELLS = 0.05;
const MOST_OVERSHOOT = 0.25;
/** A wavelet's low band overshoots at sharp edges by itself: by a third of their height, once more a level. */
const MOST_OVERSHOOT_REDUCED = 0.5;

/**
 * Samples as the codec gave them, `width` bytes each, copied into the cells that the header promises; the
 * sign is extended.
 */
export function toCells(
  decoded: Uint8Array,
  width: 1 | 2,
  {
    precision,
    signed,
    bitsAllocated,
    memory,
  }: Pick<DecodeJob, 'precision' | 'signed' | 'bitsAllocated' | 'memory'>,
): Uint8Array | Uint16Array {
  const cells = cellsIn(memory, decoded.length / width, bitsAllocated);
  if (8 * width === bitsAllocated) {
    new Uint8Array(cells.buffer, 0, cells.byteLength).set(decoded);
  } else if (width === 1) cells.set(decoded);
  else cells.set(new Uint16Array(decoded.slice().buffer));
  return signed && cells instanceof Uint16Array ? extendSign(cells, precision) : cells;
}

function extendSign(cells: Uint16Array, precision: number): Uint16Array {
  const shift = 32 - precision;
  for (let at = 0; at < cells.length; at++) cells[at] = ((cells[at] ?? 0) << shift) >> shift;
  return cells;
}

/**
 * Makes sure that no value needs more than Bits Stored: masked, it would wrap into a wrong picture. Deeper
 * codestreams can hold such values, and high throughput JPEG 2000 is decoded without
 * clamping. What a lossy
 * coding overshot is clamped in place.
 * @returns the number of clamped cells.
 * @throws DeepHealthError `pixel.precision-mismatch` when the values do not fit.
 */
export function fitCells(
  cells: Uint8Array | Uint16Array,
  job: Pick<
    DecodeJob,
    'codec' | 'precision' | 'lossy' | 'bitsAllocated' | 'bitsStored' | 'pixelRepresentation' | 'levels'
  >,
): number {
  const { codec, precision, bitsStored, bitsAllocated } = job;
  if (precision <= bitsStored && !(codec === 'htj2k' && job.lossy)) return 0;
  const whole = 2 ** bitsAllocated - 1;
  const least = job.pixelRepresentation === 1 ? -(2 ** (bitsStored - 1)) : 0;
  const most = least + 2 ** bitsStored - 1;
  // Counted from the least value on, whatever fits lies in one range. Without loss, a negative value may
  // also stand there without its sign extended, as a native cell may; with loss it would be an overshoot.
  const range = (job.lossy ? most : 2 ** bitsStored - 1) - least;
  if (least === 0 && (bitsThatOccur(cells) & ~range) === 0) return 0;
  let outside = 0;
  for (let at = 0; at < cells.length; at++) if ((((cells[at] as number) - least) & whole) > range) outside++;
  if (outside === 0) return 0;
  const farthest = (job.levels > 0 ? MOST_OVERSHOOT_REDUCED : MOST_OVERSHOOT) * 2 ** bitsStored;
  const clamps = job.lossy && outside <= MOST_OVERSHOT_CELLS * cells.length;
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at] as number;
    if (((cell - least) & whole) <= range) continue;
    const above = (cell - most) & whole;
    const below = (least - cell) & whole;
    if (!clamps || Math.min(above, below) > farthest) {
      throw new DeepHealthError(
        'pixel.precision-mismatch',
        `The header says ${bitsStored} bits, the compressed picture (${precision} bits) has values beyond them.`,
      );
    }
    cells[at] = above <= below ? most : least;
  }
  return outside;
}

/** The bits that are set in any cell. Most of the films that are asked about fit, so this is a pass over words. */
function bitsThatOccur(cells: Uint8Array | Uint16Array): number {
  const { buffer, byteOffset, byteLength } = cells;
  let bits = 0;
  let from = 0;
  if (byteOffset % 4 === 0) {
    const words = new Int32Array(buffer, byteOffset, byteLength >> 2);
    let even = 0;
    let odd = 0;
    for (let at = 0; at + 1 < words.length; at += 2) {
      even |= words[at] as number;
      odd |= words[at + 1] as number;
    }
    from = ((words.length & ~1) * 4) / cells.BYTES_PER_ELEMENT;
    bits = even | odd;
    bits |= bits >>> 16;
    if (cells.BYTES_PER_ELEMENT === 1) bits |= bits >>> 8;
  }
  for (let at = from; at < cells.length; at++) bits |= cells[at] as number;
  return bits & (256 ** cells.BYTES_PER_ELEMENT - 1);
}
