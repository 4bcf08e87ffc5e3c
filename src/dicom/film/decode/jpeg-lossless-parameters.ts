import { type HuffmanTable, readHuffmanTables } from './huffman.ts';
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
  /** Its symbols are categories, 0 to 16. */
  readonly table: HuffmanTable;
}

const SOF3 = 0xc3;
const DHT = 0xc4;
const SOS = 0xda;
const DRI = 0xdd;
/** The largest category: a difference of 32,768. */
const MOST = 16;

/**
 * The coding parameters of a lossless JPEG picture; undefined for other processes and for what no film has
 * (several components, restart intervals), which is left to the codec library.
 */
export function jpegLosslessCoding(bytes: Uint8Array): JpegLosslessCoding | undefined {
  const header = segmentsBefore(bytes);
  if (header === undefined) return undefined;
  const tables = new Map<number, HuffmanTable>();
  let frame: Pick<JpegLosslessCoding, 'rows' | 'columns' | 'precision'> | undefined;
  for (const { marker, payload } of header.segments) {
    const word = (at: number) => ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
    if (marker === DRI && word(0) !== 0) return undefined;
    if (marker === DHT && !readHuffmanTables(payload, tables)) return undefined;
    if (marker === SOF3) {
      if (payload.length < 9 || payload[5] !== 1 || payload[7] !== 0x11) return undefined;
      frame = { precision: payload[0] ?? 0, rows: word(1), columns: word(3) };
    }
    if (marker === SOS) {
      const [components, , place = 0, predictor = 0, , transform = 0] = payload;
      const table = tables.get(place >> 4);
      if (frame === undefined || components !== 1 || table === undefined) return undefined;
      if (table.symbols.some((category) => category > MOST)) return undefined;
      const { precision, rows, columns } = frame;
      if (precision < 2 || precision > 16 || transform >= precision || rows === 0 || columns === 0)
        return undefined;
      if (predictor < 1 || predictor > 7) return undefined;
      return { ...frame, table, scan: header.scan, predictor, transform };
    }
  }
  return undefined;
}
