import { type HuffmanTable, readHuffmanTables } from './huffman.ts';
import { scanHeader } from './segments.ts';

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
const ONE_TO_ONE = 0x11;
/** The largest category: a difference of 32,768. */
const MOST = 16;

/**
 * The coding parameters of a lossless JPEG picture; undefined for other processes and for what no film has
 * (several components, restart intervals), which is left to the codec library.
 */
export function jpegLosslessCoding(bytes: Uint8Array): JpegLosslessCoding | undefined {
  const header = scanHeader(bytes, [SOF3]);
  if (header === undefined || header.sampling !== ONE_TO_ONE) return undefined;
  const tables = new Map<number, HuffmanTable>();
  for (const { marker, payload } of header.segments) {
    if (marker === DHT && !readHuffmanTables(payload, tables)) return undefined;
  }
  const { precision, rows, columns, scan } = header;
  const [, , place = 0, predictor = 0, , transform = 0] = header.parameters;
  const table = tables.get(place >> 4);
  if (table === undefined || table.symbols.some((category) => category > MOST)) return undefined;
  if (precision < 2 || precision > 16 || transform >= precision || rows === 0 || columns === 0)
    return undefined;
  if (predictor < 1 || predictor > 7) return undefined;
  return { precision, rows, columns, table, scan, predictor, transform };
}
