/** Character sets of a message: what MSH-18 says (HL7 table 0211) and how text becomes bytes. */

export const CHARSETS = {
  'UTF-8': 'UNICODE UTF-8',
  'ISO-8859-1': '8859/1',
  'ISO-8859-2': '8859/2',
  'ISO-8859-3': '8859/3',
  'ISO-8859-4': '8859/4',
  'ISO-8859-5': '8859/5',
  'ISO-8859-6': '8859/6',
  'ISO-8859-7': '8859/7',
  'ISO-8859-8': '8859/8',
  'ISO-8859-9': '8859/9',
  'ISO-8859-15': '8859/15',
  'US-ASCII': 'ASCII',
} as const;
export type Charset = keyof typeof CHARSETS;

export interface TextEncoding {
  /** Whether every character of the text is in the set. */
  readonly covers: (text: string) => boolean;
  /**
   * The text with what the set lacks replaced: by its base letters where it has some (é becomes e), else by
   * a question mark, one for each character.
   */
  readonly fit: (text: string) => string;
  /** Bytes of a text that was fitted. */
  readonly encode: (text: string) => Uint8Array<ArrayBuffer>;
}

export function textEncoding(charset: Charset): TextEncoding {
  if (charset === 'UTF-8') {
    return {
      covers: (text) => text.isWellFormed(),
      fit: (text) => text.toWellFormed(),
      encode: (text) => new TextEncoder().encode(text),
    };
  }
  const bytes = byteTable(charset);
  const covers = (text: string) => [...text].every((character) => bytes.has(character));
  return {
    covers,
    fit: (text) =>
      Array.from(text, (character) =>
        bytes.has(character) ? character : substitute(character, covers),
      ).join(''),
    encode: (text) => Uint8Array.from(text, (character) => bytes.get(character) ?? 0x3f),
  };
}

function substitute(character: string, covers: (text: string) => boolean): string {
  const base = character.normalize('NFKD').replace(/\p{M}+/gu, '');
  return base !== '' && covers(base) ? base : '?';
}

/**
 * Byte of each character of a single-byte set. The upper half comes from the runtime's decoder, from 0xA0 on
 * only: below, its ISO-8859-1 and -9 are in truth Windows code pages.
 */
function byteTable(charset: Exclude<Charset, 'UTF-8'>): Map<string, number> {
  const table = new Map<string, number>();
  for (let byte = 0; byte < 0x80; byte += 1) table.set(String.fromCharCode(byte), byte);
  if (charset === 'US-ASCII') return table;
  const decoder = new TextDecoder(charset);
  for (let byte = 0xa0; byte <= 0xff; byte += 1) {
    const character = decoder.decode(Uint8Array.of(byte));
    if (character !== '\ufffd') table.set(character, byte);
  }
  return table;
}
