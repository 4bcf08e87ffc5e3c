import { scanHeader, word } from './segments.ts';

/** What the scan of a JPEG-LS picture of one component is coded with (ITU-T T.87 C.2). */
export interface JpegLsCoding {
  readonly rows: number;
  readonly columns: number;
  /** Where the scan begins in the bytes. */
  readonly scan: number;
  /** Most that a sample may be off. */
  readonly near: number;
  readonly largest: number;
  readonly thresholds: readonly [number, number, number];
  /** Contexts are halved after this many samples. */
  readonly reset: number;
}

const SOF55 = 0xf7;
const LSE = 0xf8;
/** The standard allows more for deep samples; sums of so many errors would outgrow 32 bits, and no encoder sets it. */
const MOST_RESET = 255;

/**
 * The coding parameters of a JPEG-LS picture; undefined for what no film has (several components, mapping
 * tables, restart intervals, point transforms, odd presets), which is left to the codec library.
 */
export function jpegLsCoding(bytes: Uint8Array): JpegLsCoding | undefined {
  const header = scanHeader(bytes, [SOF55]);
  if (header === undefined) return undefined;
  let presets: readonly number[] = [0, 0, 0, 0, 0];
  for (const { marker, payload } of header.segments) {
    if (marker !== LSE) continue;
    if (payload[0] !== 1 || payload.length < 11) return undefined;
    presets = [1, 3, 5, 7, 9].map((at) => word(payload, at));
  }
  const { precision, rows, columns, scan } = header;
  const [, , table, near = 0, interleave, transform] = header.parameters;
  if (table !== 0 || interleave !== 0 || transform !== 0) return undefined;
  return codingOf({ precision, rows, columns, scan, near }, presets);
}

function codingOf(
  {
    precision,
    near,
    ...place
  }: { precision: number; near: number; rows: number; columns: number; scan: number },
  presets: readonly number[],
): JpegLsCoding | undefined {
  const [maximum = 0, first = 0, second = 0, third = 0, reset = 0] = presets;
  const full = 2 ** precision - 1;
  const largest = maximum === 0 ? full : maximum;
  if (precision < 2 || precision > 16 || largest > full || near > Math.min(255, largest >> 1))
    return undefined;
  if (place.rows === 0 || place.columns === 0) return undefined;
  const [t1, t2, t3] = defaultThresholds(largest, near);
  const thresholds = [first || t1, second || t2, third || t3] as const;
  const rising =
    thresholds[0] > near &&
    thresholds[0] <= thresholds[1] &&
    thresholds[1] <= thresholds[2] &&
    thresholds[2] <= largest;
  if (!rising || (reset !== 0 && (reset < 3 || reset > MOST_RESET))) return undefined;
  return { ...place, near, largest, thresholds, reset: reset || 64 };
}

/** T.87 C.2.4.1.1. */
function defaultThresholds(largest: number, near: number): [number, number, number] {
  const bounded = (value: number, least: number) => (value > largest || value < least ? least : value);
  if (largest >= 128) {
    const factor = Math.floor((Math.min(largest, 4095) + 128) / 256);
    const t1 = bounded(factor + 2 + 3 * near, near + 1);
    const t2 = bounded(4 * factor + 3 + 5 * near, t1);
    return [t1, t2, bounded(17 * factor + 4 + 7 * near, t2)];
  }
  const factor = Math.floor(256 / (largest + 1));
  const t1 = bounded(Math.max(2, Math.floor(3 / factor) + 3 * near), near + 1);
  const t2 = bounded(Math.max(3, Math.floor(7 / factor) + 5 * near), t1);
  return [t1, t2, bounded(Math.max(4, Math.floor(21 / factor) + 7 * near), t2)];
}
