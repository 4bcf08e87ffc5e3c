import { decodeAs, latin1 } from './encodings.ts';

/** What value 1 of SpecificCharacterSet invokes, and every set that the values declare, by ISO registration. */
export interface CodeExtensions {
  readonly initial: string;
  readonly declared: readonly string[];
}

/** A designated set: decodes a run of bytes that belongs to it. */
interface CodeElement {
  readonly decode: (run: Uint8Array) => string;
  /** Bytes a character. */
  readonly width: 1 | 2;
}

const ascii: CodeElement = { decode: latin1, width: 1 };
// Roman of JIS X 0201: 0x5C is the yen sign, which in DICOM is the delimiter all the same (PS3.5 6.1.2.3).
const jisRoman: CodeElement = ascii;
const jis0208: CodeElement = { decode: (run) => decodeAs('euc-jp', raised(run)), width: 2 };
const jis0212: CodeElement = { decode: (run) => decodeAs('euc-jp', singleShifted(run)), width: 2 };

/** Sets of bytes from 0xA0 on (G1) by registration number. */
function upper(label: string, width: 1 | 2 = 1): CodeElement {
  return { decode: (run) => decodeAs(label, run), width };
}

const katakana = upper('shift_jis');

/** What value 1 puts into G0 and G1 (PS3.5 6.1.2.4, PS3.3 tables C.12-3 and C.12-4). */
export const codeExtensions: ReadonlyMap<string, { g0?: CodeElement; g1?: CodeElement }> = new Map([
  ['6', {}],
  ['100', { g1: upper('windows-1252') }],
  ['101', { g1: upper('iso-8859-2') }],
  ['109', { g1: upper('iso-8859-3') }],
  ['110', { g1: upper('iso-8859-4') }],
  ['144', { g1: upper('iso-8859-5') }],
  ['127', { g1: upper('iso-8859-6') }],
  ['126', { g1: upper('iso-8859-7') }],
  ['138', { g1: upper('iso-8859-8') }],
  ['148', { g1: upper('windows-1254') }],
  ['203', { g1: upper('iso-8859-15') }],
  ['13', { g0: jisRoman, g1: katakana }],
  ['166', { g1: upper('windows-874') }],
  ['87', {}],
  ['159', {}],
  ['149', { g1: upper('euc-kr', 2) }],
  ['58', { g1: upper('gbk', 2) }],
]);

/** Escape sequences without their ESC, and the registration whose set they put into G0 or G1. */
const ESCAPES: readonly { readonly bytes: string; readonly g0?: CodeElement; readonly g1?: string }[] = [
  { bytes: '(B', g0: ascii },
  { bytes: '(J', g0: jisRoman },
  { bytes: '$B', g0: jis0208 },
  { bytes: '$@', g0: jis0208 },
  { bytes: '$(D', g0: jis0212 },
  { bytes: ')I', g1: '13' },
  { bytes: '$)C', g1: '149' },
  { bytes: '$)A', g1: '58' },
  { bytes: '-A', g1: '100' },
  { bytes: '-B', g1: '101' },
  { bytes: '-C', g1: '109' },
  { bytes: '-D', g1: '110' },
  { bytes: '-L', g1: '144' },
  { bytes: '-G', g1: '127' },
  { bytes: '-F', g1: '126' },
  { bytes: '-H', g1: '138' },
  { bytes: '-M', g1: '148' },
  { bytes: '-b', g1: '203' },
  { bytes: '-T', g1: '166' },
];

const SEQUENCES = new Map(
  ESCAPES.map((sequence) => [keyOf(...Buffer.from(sequence.bytes, 'latin1')), sequence] as const),
);

const ESC = 0x1b;

/**
 * Decodes text with ISO 2022 code extensions (PS3.5 6.1.2.5). Line ends, tabs, form feeds and backslashes, and
 * in names `^` and `=`, bring back the sets of value 1. Writers that forget to escape again after such a
 * delimiter are forgiven: bytes from 0x80 on are then read with the set that was designated last or, before
 * any, with the only declared one. What no set has becomes U+FFFD.
 */
export function decodeExtended(bytes: Uint8Array, extensions: CodeExtensions, name: boolean): string {
  const initial = codeExtensions.get(extensions.initial) ?? {};
  const initialG0 = initial.g0 ?? ascii;
  const fallback = onlyDeclared(extensions.declared);
  let g0 = initialG0;
  let g1 = initial.g1;
  let designated: CodeElement | undefined;
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === ESC) {
      const sequence = sequenceAt(bytes, at + 1);
      if (sequence === undefined) {
        text += '\uFFFD';
        at += 1;
        continue;
      }
      if (sequence.g0 !== undefined) g0 = sequence.g0;
      if (sequence.g1 !== undefined) designated = g1 = codeExtensions.get(sequence.g1)?.g1;
      at += 1 + sequence.bytes.length;
      continue;
    }
    // Space is in no set of 94 × 94: it is itself whatever is designated.
    if (byte <= 0x20 || (g0.width === 1 && byte < 0x80)) {
      if (byte < 0x20 || isDelimiter(byte, name)) {
        g0 = initialG0;
        g1 = initial.g1;
      }
      text += String.fromCharCode(byte);
      at += 1;
      continue;
    }
    const start = at;
    const high = byte >= 0x80;
    while (at < bytes.length && inRun(bytes[at] ?? 0, high)) at += 1;
    const run = bytes.subarray(start, at);
    const set = high ? (g1 ?? designated ?? fallback) : g0;
    text += set === undefined ? '\uFFFD'.repeat(run.length) : set.decode(run);
  }
  return text;
}

function inRun(byte: number, high: boolean): boolean {
  return high ? byte >= 0x80 : byte > 0x20 && byte < 0x80;
}

function isDelimiter(byte: number, name: boolean): boolean {
  return byte === 0x5c || (name && (byte === 0x5e || byte === 0x3d));
}

function sequenceAt(bytes: Uint8Array, at: number): (typeof ESCAPES)[number] | undefined {
  const pair = keyOf(bytes[at], bytes[at + 1], 0);
  return SEQUENCES.get(pair + (bytes[at + 2] ?? 0)) ?? SEQUENCES.get(pair);
}

/** Two or three bytes as one number. */
function keyOf(first = 0, second = 0, third = 0): number {
  return first * 0x10000 + second * 0x100 + third;
}

function onlyDeclared(declared: readonly string[]): CodeElement | undefined {
  const sets = declared.flatMap((registration) => codeExtensions.get(registration)?.g1 ?? []);
  return sets.length === 1 ? sets[0] : undefined;
}

/** A 94 × 94 set in G0 as EUC has it in G1. */
function raised(run: Uint8Array): Uint8Array {
  return run.map((byte) => byte | 0x80);
}

/** JIS X 0212 in EUC: each pair behind a single shift. */
function singleShifted(run: Uint8Array): Uint8Array {
  const shifted: number[] = [];
  for (let i = 0; i + 1 < run.length; i += 2) {
    shifted.push(0x8f, (run[i] ?? 0) | 0x80, (run[i + 1] ?? 0) | 0x80);
  }
  if (run.length % 2 === 1) shifted.push(0x8f);
  return Uint8Array.from(shifted);
}
