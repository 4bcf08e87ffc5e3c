import { decodeAs, latin1 } from './encodings.ts';
import { type CodeExtensions, codeExtensions, decodeExtended } from './iso2022.ts';

/** Text decoded from bytes, and how far it can be trusted. */
export interface DecodedText {
  readonly text: string;
  /**
   * `exact`: as the character set says. `assumed`: bytes beyond ASCII without a set that has them, read as
   * UTF-8 or Latin-1. `damaged`: characters that the set does not have, or a set that is not known; each
   * stands as U+FFFD in the text.
   */
  readonly trust: 'exact' | 'assumed' | 'damaged';
}

/** The character sets of a dataset or sequence item. */
export interface CharacterSets {
  /**
   * Decodes one element's value field with its backslashes, `^` and `=` in place: those of the result are
   * delimiters, second bytes of multi-byte characters are not among them.
   * @param name whether the VR is PN, where `^` and `=` bring back the sets of value 1 (PS3.5 6.1.2.5.3).
   */
  decode(bytes: Uint8Array, name: boolean): DecodedText;
}

/** Sets without code extensions by the number of their ISO registration (PS3.3 C.12.1.1.2), as WHATWG labels. */
const SINGLE_SETS: Readonly<Record<string, string>> = {
  // WHATWG reads Latin-1 as windows-1252 (and Latin-5 as windows-1254): they differ only in 0x80 to 0x9F,
  // which DICOM text never has unless a Windows program put its quotes and dashes there.
  '100': 'windows-1252',
  '101': 'iso-8859-2',
  '109': 'iso-8859-3',
  '110': 'iso-8859-4',
  '144': 'iso-8859-5',
  '127': 'iso-8859-6',
  '126': 'iso-8859-7',
  '138': 'iso-8859-8',
  '148': 'windows-1254',
  '203': 'iso-8859-15',
  // JIS X 0201 is the single-byte part of Shift-JIS; archives hold full Shift-JIS under this name.
  '13': 'shift_jis',
  '166': 'windows-874',
  '192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

/** Whether the bytes are ASCII without escape sequences, so that every set reads them alike. */
function isPlain(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte >= 0x80 || byte === 0x1b) return false;
  return true;
}

/**
 * The character sets that SpecificCharacterSet (0008,0005) names (PS3.5 6.1, PS3.3 C.12.1.1.2). Spellings seen
 * in archives are understood (`ISO-IR 100`, `ISO_2022_IR_87`, `UTF-8`); unknown terms show as `damaged` text
 * where something other than ASCII depends on them.
 */
export function characterSets(values: readonly string[]): CharacterSets {
  const terms = values.map(termOf);
  const [first = ''] = terms;
  if (terms.length > 1 || first.startsWith('2022 ')) {
    const single = SINGLE_SETS[first];
    // UTF-8, GB18030 and GBK cannot be extended; other values beside them mean nothing (PS3.5 6.1.2.3).
    if (single === undefined || !['192', 'GB18030', 'GBK'].includes(first)) {
      const known = terms.filter((term) => codeExtensions.has(registrationOf(term)));
      return extendedSets(known.map(registrationOf), first);
    }
  }
  const label = SINGLE_SETS[first];
  if (label !== undefined) return plainOr((bytes) => checked(decodeAs(label, bytes)));
  return first === '' || first === '6' ? DEFAULT_SETS : UNKNOWN_SETS;
}

/** The default repertoire (ISO_IR 6), as it is when nothing is declared. */
const DEFAULT_SETS: CharacterSets = plainOr((bytes) => {
  const utf8 = decodeAs('utf-8', bytes);
  const text = utf8.includes('\uFFFD') ? decodeAs('windows-1252', bytes) : utf8;
  return { text, trust: 'assumed' };
});

const UNKNOWN_SETS: CharacterSets = plainOr((bytes) => ({
  text: latin1(bytes).replace(/[\x80-\xff]/g, '\uFFFD'),
  trust: 'damaged',
}));

function extendedSets(registrations: readonly string[], first: string): CharacterSets {
  const extensions: CodeExtensions = { initial: registrationOf(first), declared: registrations };
  return {
    decode(bytes, name) {
      if (isPlain(bytes)) return { text: latin1(bytes), trust: 'exact' };
      return checked(decodeExtended(bytes, extensions, name));
    },
  };
}

function plainOr(decode: (bytes: Uint8Array) => DecodedText): CharacterSets {
  return { decode: (bytes) => (isPlain(bytes) ? { text: latin1(bytes), trust: 'exact' } : decode(bytes)) };
}

function checked(text: string): DecodedText {
  return { text, trust: text.includes('\uFFFD') ? 'damaged' : 'exact' };
}

/** `ISO_IR 100` as `100`, `ISO 2022 IR 87` as `2022 87`, other terms as written; upper case. */
function termOf(value: string): string {
  const term = value.trim().toUpperCase();
  const iso = /^ISO[ _-]?(2022[ _-]?)?IR[ _-]?(\d+)$/.exec(term);
  if (iso !== null) return `${iso[1] === undefined ? '' : '2022 '}${iso[2]}`;
  if (/^UTF-?8$/.test(term)) return '192';
  if (/^(ISO[ _-]?8859-1|LATIN-?1)$/.test(term)) return '100';
  return term;
}

function registrationOf(term: string): string {
  return term === '' ? '6' : term.replace(/^2022 /, '');
}
