import type { Cursor } from './cursor.ts';
import { latin1 } from './encodings.ts';
import { dictionaryVr, hasLongLength, layoutOf } from './value-representation.ts';

/** How the elements of a dataset or item are coded (PS3.5 7.1). */
export interface DatasetEncoding {
  readonly explicit: boolean;
  readonly little: boolean;
}

/** What stands before a value field. */
export interface ElementHeader {
  readonly tag: string;
  /** As written, or from the dictionary where nothing is written; empty for items and delimiters. */
  readonly vr: string;
  readonly length: number;
}

/** A length that says nothing: a delimiter ends the value. */
export const UNDEFINED_LENGTH = 0xffffffff;

/** Elements that structure a dataset (PS3.5 7.5). */
export const ITEM = 'FFFEE000';
export const ITEM_END = 'FFFEE00D';
export const SEQUENCE_END = 'FFFEE0DD';

/** Reads tag, VR and length; the cursor then stands at the value field. */
export function readElementHeader(
  cursor: Cursor,
  { explicit, little }: DatasetEncoding,
  end: number,
): ElementHeader {
  cursor.need(8, end);
  const tag = cursor.readTag(little);
  if (tag.startsWith('FFFE')) return { tag, vr: '', length: cursor.readUint32(little) };
  if (!explicit) return { tag, vr: dictionaryVr(tag), length: cursor.readUint32(little) };
  if (!hasVrLetters(cursor.bytes, cursor.position)) {
    // Blanks, zeros or `??` where the VR should be, written by converters that did not know it: as UN.
    cursor.position += 4;
    cursor.need(4, end);
    return { tag, vr: dictionaryVr(tag), length: cursor.readUint32(little) };
  }
  const vr = latin1(cursor.take(2));
  const shortLength = cursor.readUint16(little);
  // A VR that this reader does not know has the long form (PS3.5 6.2), its reserved bytes being zero.
  const long = hasLongLength(vr) || (layoutOf(vr) === undefined && shortLength === 0);
  if (!long) return { tag, vr, length: shortLength };
  cursor.need(4, end);
  return { tag, vr, length: cursor.readUint32(little) };
}

/** How an item is coded: some writers copy items between implicit and explicit files as they are. */
export function itemEncoding(cursor: Cursor, encoding: DatasetEncoding): DatasetEncoding {
  const { bytes, position } = cursor;
  if (position + 8 > bytes.length || cursor.peekTag(encoding.little).startsWith('FFFE')) return encoding;
  const explicit = isKnownVr(bytes, position + 4);
  return explicit === encoding.explicit ? encoding : { explicit, little: encoding.little };
}

/** Whether a VR of PS3.5 stands there. */
export function isKnownVr(bytes: Uint8Array, at: number): boolean {
  return hasVrLetters(bytes, at) && layoutOf(latin1(bytes.subarray(at, at + 2))) !== undefined;
}

function hasVrLetters(bytes: Uint8Array, at: number): boolean {
  const [a = 0, b = 0] = [bytes[at], bytes[at + 1]];
  return a >= 0x41 && a <= 0x5a && b >= 0x41 && b <= 0x5a;
}
