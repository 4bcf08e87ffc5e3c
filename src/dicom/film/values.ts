import type { DicomValue, PersonName } from '../dataset.ts';
import type { CharacterSets, DecodedText } from './charset.ts';
import { latin1 } from './encodings.ts';
import type { Layout } from './value-representation.ts';

/** How a value field was written. */
export interface Encoding {
  readonly little: boolean;
  readonly charset: CharacterSets;
  /** Told of text that is not `exact`. */
  readonly onText: (trust: DecodedText['trust']) => void;
}

/** More numbers than this in one value field stay bytes: no attribute of a film's header has as many. */
const MOST_NUMBERS = 2 ** 17;

/**
 * The values of an element; none when its field is empty. Bytes left over behind the last whole number are
 * ignored; words of binary fields come out little endian.
 */
export function readValues(field: Uint8Array, layout: Layout, encoding: Encoding): DicomValue[] {
  if (field.length === 0) return [];
  switch (layout.kind) {
    case 'text': {
      const text = layout.charset ? decoded(field, encoding, false) : latin1(field);
      const single = layout.multiple ? text.split('\\') : [text];
      return listed(single.map((value) => trimmed(value, layout.leading)));
    }
    case 'name':
      return listed(decoded(field, encoding, true).split('\\').map(personName));
    case 'numbers': {
      const count = Math.floor(field.length / layout.bytes);
      if (count > MOST_NUMBERS) return [littleEndian(field, layout.bytes, encoding.little)];
      const view = viewOf(field);
      return Array.from({ length: count }, (_, i) => layout.read(view, i * layout.bytes, encoding.little));
    }
    case 'tags': {
      const view = viewOf(field);
      return Array.from({ length: Math.min(field.length >> 2, MOST_NUMBERS) }, (_, i) =>
        tagOf(view.getUint16(4 * i, encoding.little), view.getUint16(4 * i + 2, encoding.little)),
      );
    }
    case 'bytes':
      return [littleEndian(field, layout.word, encoding.little)];
    case 'sequence':
      return [];
  }
}

/** A tag as eight upper-case hex digits. */
export function tagOf(group: number, element: number): string {
  return (group * 0x10000 + element).toString(16).toUpperCase().padStart(8, '0');
}

function viewOf(field: Uint8Array): DataView {
  return new DataView(field.buffer, field.byteOffset, field.byteLength);
}

function decoded(field: Uint8Array, encoding: Encoding, name: boolean): string {
  const { text, trust } = encoding.charset.decode(field, name);
  if (trust !== 'exact') encoding.onText(trust);
  return text;
}

/** Without padding; a NUL ends a value, since what C programs leave behind it is not part of it. */
function trimmed(value: string, leading: boolean): string {
  const nul = value.indexOf('\0');
  let end = nul === -1 ? value.length : nul;
  let start = 0;
  while (end > 0 && value.charCodeAt(end - 1) <= 0x20) end -= 1;
  if (!leading) while (start < end && value.charCodeAt(start) === 0x20) start += 1;
  return value.slice(start, end);
}

/** Empty values among others are null; a field of nothing but padding has no value. */
function listed<Value extends string | PersonName>(found: readonly (Value | '')[]): DicomValue[] {
  if (found.length === 1 && found[0] === '') return [];
  return found.map((value) => (value === '' ? null : value));
}

/** The component groups of one name (PS3.5 6.2.1.1); an empty name is ''. */
function personName(value: string): PersonName | '' {
  const [alphabetic = '', ideographic = '', phonetic = ''] = value
    .split('=')
    .map((group) => trimmed(group, false));
  const name: PersonName = {};
  if (alphabetic !== '') name.Alphabetic = alphabetic;
  if (ideographic !== '') name.Ideographic = ideographic;
  if (phonetic !== '') name.Phonetic = phonetic;
  return Object.keys(name).length === 0 ? '' : name;
}

function littleEndian(field: Uint8Array, word: number, little: boolean): Uint8Array {
  if (little || word === 1) return field;
  const swapped = Buffer.from(field.subarray(0, field.length - (field.length % word)));
  if (word === 2) swapped.swap16();
  else if (word === 4) swapped.swap32();
  else swapped.swap64();
  return new Uint8Array(swapped.buffer, swapped.byteOffset, swapped.byteLength);
}
