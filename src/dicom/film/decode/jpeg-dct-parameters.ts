import { type HuffmanTable, readHuffmanTables } from './huffman.ts';
import { segmentsBefore } from './segments.ts';

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
const SOS = 0xda;
const DQT = 0xdb;
const DRI = 0xdd;
const CATEGORIES = 15;

/**
 * The coding parameters of a JPEG picture of the baseline or extended sequential process; undefined for other
 * processes, and for several components or restart intervals, which films do not have.
 */
export function jpegDctCoding(bytes: Uint8Array): JpegDctCoding | undefined {
  const header = segmentsBefore(bytes);
  if (header === undefined) return undefined;
  const tables = new Map<number, HuffmanTable>();
  const quantisations = new Map<number, Uint16Array>();
  let frame: (Pick<JpegDctCoding, 'rows' | 'columns' | 'precision'> & { place: number }) | undefined;
  for (const { marker, payload } of header.segments) {
    const word = (at: number) => ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
    if (marker === DRI && word(0) !== 0) return undefined;
    if (marker === DHT && !readHuffmanTables(payload, tables)) return undefined;
    if (marker === DQT && !readQuantisations(payload, quantisations)) return undefined;
    if (marker === SOF0 || marker === SOF1) {
      const precision = payload[0];
      if (payload.length < 9 || payload[5] !== 1 || (precision !== 8 && precision !== 12)) return undefined;
      frame = { precision, rows: word(1), columns: word(3), place: payload[8] ?? 0 };
    }
    if (marker === SOS) {
      const [components, , places = 0, first, last, approximation] = payload;
      if (frame === undefined || components !== 1 || first !== 0 || last !== 63 || approximation !== 0) {
        return undefined;
      }
      const { place, ...size } = frame;
      const direct = tables.get(places >> 4);
      const alternating = tables.get(0x10 | (places & 15));
      const quantisation = quantisations.get(place);
      if (direct === undefined || alternating === undefined || quantisation === undefined) return undefined;
      if (size.rows === 0 || size.columns === 0) return undefined;
      if (direct.symbols.some((category) => category > CATEGORIES)) return undefined;
      return { ...size, scan: header.scan, direct, alternating, quantisation };
    }
  }
  return undefined;
}

/** The tables of a DQT segment (T.81 B.2.4.1); false when it is damaged. */
function readQuantisations(payload: Uint8Array, quantisations: Map<number, Uint16Array>): boolean {
  for (let at = 0; at < payload.length; ) {
    const head = payload[at] ?? 0;
    const bytes = head >> 4 === 0 ? 1 : 2;
    const values = payload.subarray(at + 1, at + 1 + 64 * bytes);
    if (values.length !== 64 * bytes) return false;
    const value = (k: number) =>
      bytes === 1 ? (values[k] ?? 0) : ((values[2 * k] ?? 0) << 8) | (values[2 * k + 1] ?? 0);
    quantisations.set(
      head & 15,
      Uint16Array.from({ length: 64 }, (_, k) => value(k)),
    );
    at += 1 + 64 * bytes;
  }
  return true;
}
