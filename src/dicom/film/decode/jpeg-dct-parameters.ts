import { type HuffmanTable, readHuffmanTables } from './huffman.ts';
import { scanHeader, word } from './segments.ts';

/** What the scan of a DCT coded JPEG picture of one component is coded with (ITU-T T.81 B). */
export interface JpegDctCoding {
  readonly rows: number;
  readonly columns: number;
  readonly precision: 8 | 12;
  /** Where the scan begins in the bytes. */
  readonly scan: number;
  readonly direct: HuffmanTable;
  readonly alternating: HuffmanTable;
  /** Of the 64 coefficients, in zigzag order. */
  readonly quantisation: Uint16Array;
}

const SOF0 = 0xc0;
const SOF1 = 0xc1;
const DHT = 0xc4;
const DQT = 0xdb;
const CATEGORIES = 15;
/** Tables of a picture (T.81 B.2.4.1): a segment has no more. */
const MOST_TABLES = 4;

/**
 * The coding parameters of a JPEG picture of the baseline or extended sequential process; undefined for other
 * processes, and for several components or restart intervals, which films do not have.
 */
export function jpegDctCoding(bytes: Uint8Array): JpegDctCoding | undefined {
  const header = scanHeader(bytes, [SOF0, SOF1]);
  if (header === undefined) return undefined;
  const tables = new Map<number, HuffmanTable>();
  const quantisations = new Map<number, Uint16Array>();
  for (const { marker, payload } of header.segments) {
    if (marker === DHT && !readHuffmanTables(payload, tables)) return undefined;
    if (marker === DQT && !readQuantisations(payload, quantisations)) return undefined;
  }
  const { precision, rows, columns, scan } = header;
  const [, , places = 0, first, last, approximation] = header.parameters;
  if (precision !== 8 && precision !== 12) return undefined;
  if (first !== 0 || last !== 63 || approximation !== 0 || rows === 0 || columns === 0) return undefined;
  const direct = tables.get(places >> 4);
  const alternating = tables.get(0x10 | (places & 15));
  const quantisation = quantisations.get(header.quantisation);
  if (direct === undefined || alternating === undefined || quantisation === undefined) return undefined;
  if (direct.symbols.some((category) => category > CATEGORIES)) return undefined;
  return { precision, rows, columns, scan, direct, alternating, quantisation };
}

/** The tables of a DQT segment (T.81 B.2.4.1); false when it is damaged. */
function readQuantisations(payload: Uint8Array, quantisations: Map<number, Uint16Array>): boolean {
  for (let at = 0, count = 0; at < payload.length; count++) {
    if (count === MOST_TABLES) return false;
    const head = payload[at] ?? 0;
    const bytes = head >> 4 === 0 ? 1 : 2;
    const values = payload.subarray(at + 1, at + 1 + 64 * bytes);
    if (values.length !== 64 * bytes) return false;
    const value = (k: number) => (bytes === 1 ? (values[k] ?? 0) : word(values, 2 * k));
    quantisations.set(
      head & 15,
      Uint16Array.from({ length: 64 }, (_, k) => value(k)),
    );
    at += 1 + 64 * bytes;
  }
  return true;
}
