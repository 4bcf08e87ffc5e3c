import { segmentsBefore } from './segments.ts';

/** What the scan of a lossless JPEG picture of one component is coded with (ITU-T T.81 H). */
export interface JpegLosslessCoding {
  readonly rows: number;
  readonly columns: number;
  readonly precision: number;
  /** Where the scan begins in the bytes. */
  readonly scan: number;
  /** 1 to 7: what a sample is predicted from. */
  readonly predictor: number;
  /** Bits that were left out at the low end. */
  readonly transform: number;
  /** Codes of each length from 1 to 16, and the categories they stand for, in order. */
  readonly lengths: Uint8Array;
  readonly categories: Uint8Array;
}

const SOF3 = 0xc3;
const DHT = 0xc4;
const SOS = 0xda;
const DRI = 0xdd;
const LENGTHS = 16;
/** The largest category: a difference of 32,768. */
const MOST = 16;

/**
 * The coding parameters of a lossless JPEG picture; undefined for other processes and for what no film has
 * (several components, restart intervals), which is left to the codec library.
 */
export function jpegLosslessCoding(bytes: Uint8Array): JpegLosslessCoding | undefined {
  const header = segmentsBefore(bytes);
  if (header === undefined) return undefined;
  const tables = new Map<number, Pick<JpegLosslessCoding, 'lengths' | 'categories'>>();
  let frame: Pick<JpegLosslessCoding, 'rows' | 'columns' | 'precision'> | undefined;
  for (const { marker, payload } of header.segments) {
    const word = (at: number) => ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
    if (marker === DRI && word(0) !== 0) return undefined;
    if (marker === DHT && !readTables(payload, tables)) return undefined;
    if (marker === SOF3) {
      if (payload.length < 9 || payload[5] !== 1 || payload[7] !== 0x11) return undefined;
      frame = { precision: payload[0] ?? 0, rows: word(1), columns: word(3) };
    }
    if (marker === SOS) {
      const [components, , table = 0, predictor = 0, , transform = 0] = payload;
      const codes = tables.get(table >> 4);
      if (frame === undefined || components !== 1 || codes === undefined) return undefined;
      const { precision, rows, columns } = frame;
      if (precision < 2 || precision > 16 || transform >= precision || rows === 0 || columns === 0)
        return undefined;
      if (predictor < 1 || predictor > 7) return undefined;
      return { ...frame, ...codes, scan: header.scan, predictor, transform };
    }
  }
  return undefined;
}

/** The tables of a DHT segment (T.81 B.2.4.2); false when it is damaged. */
function readTables(
  payload: Uint8Array,
  tables: Map<number, Pick<JpegLosslessCoding, 'lengths' | 'categories'>>,
): boolean {
  for (let at = 0; at < payload.length; ) {
    const place = payload[at] ?? 0;
    const lengths = payload.subarray(at + 1, at + 1 + LENGTHS);
    const count = lengths.reduce((sum, of) => sum + of, 0);
    const categories = payload.subarray(at + 1 + LENGTHS, at + 1 + LENGTHS + count);
    if (categories.length !== count) return false;
    at += 1 + LENGTHS + count;
    // Tables of class 1 are for AC coefficients, which lossless pictures have none of.
    if (place > 3) continue;
    if (categories.some((category) => category > MOST)) return false;
    tables.set(place, { lengths, categories });
  }
  return true;
}
