import { DeepHealthError } from '../../../errors/error.ts';

/** A Huffman table of a JPEG picture (ITU-T T.81 B.2.4.2). */
export interface HuffmanTable {
  /** Numbers of codes of each length from 1 to 16. */
  readonly lengths: Uint8Array;
  /** What they stand for, in order. */
  readonly symbols: Uint8Array;
}

/** A picture has four tables of each class at most (T.81 B.2.4.2): a segment has no more. */
const MOST_TABLES = 8;

/** Bits looked up at once: most codes with the number behind them are no longer. */
export const LOOKED_UP = 12;
const LENGTHS = 16;
/** Zeros behind the last bit, so that a window of four bytes can be read anywhere. */
const PADDING = 16;

/** How codes are found. */
export interface Codes {
  /** By the next `LOOKED_UP` bits: what `entryOf` made of code and number, or 0 where they are longer. */
  readonly table: Int32Array;
  /** For each length: the code after the last of it, left-aligned in 16 bits, and what leads to its symbol. */
  readonly ends: Int32Array;
  readonly offsets: Int32Array;
  readonly symbols: Uint8Array;
}

/**
 * Reads the tables of a DHT segment into `tables`, by class and place as they stand in the segment.
 * @returns false when the segment is damaged.
 */
export function readHuffmanTables(payload: Uint8Array, tables: Map<number, HuffmanTable>): boolean {
  for (let at = 0, count = 0; at < payload.length; count++) {
    if (count === MOST_TABLES) return false;
    const place = payload[at] ?? 0;
    const lengths = payload.subarray(at + 1, at + 1 + LENGTHS);
    const codes = lengths.reduce((sum, of) => sum + of, 0);
    const symbols = payload.subarray(at + 1 + LENGTHS, at + 1 + LENGTHS + codes);
    if (lengths.length !== LENGTHS || symbols.length !== codes) return false;
    tables.set(place, { lengths, symbols });
    at += 1 + LENGTHS + codes;
  }
  return true;
}

/**
 * The codes of a table (T.81 C, F.2.2.3), the short ones looked up together with the number behind them.
 * @param extraOf bits of the number behind the code of a symbol.
 * @param entryOf what to find for a symbol, the bits of its number, and the bits of code and number; not 0.
 * @throws DeepHealthError `pixel.undecodable` for a table that is none.
 */
export function codesOf(
  { lengths, symbols }: HuffmanTable,
  extraOf: (symbol: number) => number,
  entryOf: (symbol: number, bits: number, length: number) => number,
): Codes {
  const ends = new Int32Array(LENGTHS + 1);
  const offsets = new Int32Array(LENGTHS + 1);
  const table = new Int32Array(1 << LOOKED_UP);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= LENGTHS; length++) {
    const count = lengths[length - 1] as number;
    if (code + count > 1 << length) {
      throw new DeepHealthError('pixel.undecodable', 'A Huffman table is damaged.');
    }
    offsets[length] = index - code;
    for (let i = 0; i < count; i++, code++, index++) {
      const symbol = symbols[index] as number;
      const extra = extraOf(symbol);
      const spare = LOOKED_UP - length - extra;
      for (let bits = 0; spare >= 0 && bits < 1 << extra; bits++) {
        const first = ((code << extra) | bits) << spare;
        table.fill(entryOf(symbol, bits, length + extra), first, first + (1 << spare));
      }
    }
    ends[length] = code << (LENGTHS - length);
    code <<= 1;
  }
  return { table, ends, offsets, symbols };
}

/** The length of the code that begins these 16 bits; 0 when they begin none. */
export function codeLength(bits: number, { ends }: Codes): number {
  for (let length = 1; length <= LENGTHS; length++) if (bits < (ends[length] as number)) return length;
  return 0;
}

/** The number of a category with these bits (T.81 F.2.2.1, H.1.2.2). */
export function numberOf(bits: number, category: number): number {
  if (category === 0) return 0;
  if (category === 16) return 32_768;
  return bits >= 1 << (category - 1) ? bits : bits - (1 << category) + 1;
}

/** Where scans are unstuffed; of those that are larger than this may become, each gets its own. */
let rough = new Uint8Array();
const MOST_ROUGH = 16 * 2 ** 20;

/**
 * The bits of a scan up to the next marker, without the zero bytes that are stuffed in after 255; they hold until the
 * next call.
 */
export function unstuffedScan(bytes: Uint8Array, scan: number): { view: DataView; count: number } {
  const most = bytes.length - scan + PADDING;
  if (most > rough.length && most <= MOST_ROUGH) rough = new Uint8Array(2 ** Math.ceil(Math.log2(most)));
  const clean = most > rough.length ? new Uint8Array(most) : rough.subarray(0, most);
  let to = 0;
  for (let from = scan; from < bytes.length; ) {
    const full = bytes.indexOf(0xff, from);
    const stuffed = full >= 0 && bytes[full + 1] === 0;
    const end = full < 0 ? bytes.length : stuffed ? full + 1 : full;
    clean.set(bytes.subarray(from, end), to);
    to += end - from;
    if (!stuffed) break;
    from = full + 2;
  }
  clean.fill(0, to, to + PADDING);
  return { view: new DataView(clean.buffer, 0, to + PADDING), count: 8 * to };
}
