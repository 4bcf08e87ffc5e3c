import { DeepHealthError } from '../../errors/error.ts';
import type { Cursor } from './cursor.ts';
import { type ElementHeader, ITEM, SEQUENCE_END, UNDEFINED_LENGTH } from './element-header.ts';

/** The value field of Pixel Data (7FE0,0010), not interpreted; views of the file's bytes. */
export type PixelField =
  | { readonly kind: 'native'; readonly vr: string; readonly field: Uint8Array }
  | {
      readonly kind: 'encapsulated';
      /** The first item: the Basic Offset Table, often empty. */
      readonly offsetTable: Uint8Array;
      /** The other items. */
      readonly fragments: readonly Uint8Array[];
      /** Whether the sequence delimiter was found. */
      readonly delimited: boolean;
    };

/** Reads the value field of Pixel Data (PS3.5 8, A.4). */
export function readPixelField(
  cursor: Cursor,
  header: ElementHeader,
  little: boolean,
  end: number,
): PixelField {
  if (header.length !== UNDEFINED_LENGTH) {
    cursor.need(header.length, end);
    return { kind: 'native', vr: header.vr, field: cursor.take(header.length) };
  }
  const { items, delimited } = readFragments(cursor, little, end);
  const [offsetTable = new Uint8Array(), ...fragments] = items;
  return { kind: 'encapsulated', offsetTable, fragments, delimited };
}

/** Items of bytes up to the sequence delimiter, or to the end where a writer forgot it. */
export function readFragments(
  cursor: Cursor,
  little: boolean,
  end: number,
): { readonly items: readonly Uint8Array[]; readonly delimited: boolean } {
  const items: Uint8Array[] = [];
  while (cursor.position + 8 <= end) {
    const tag = cursor.readTag(little);
    const length = cursor.readUint32(little);
    cursor.countElement();
    if (tag === SEQUENCE_END) return { items, delimited: true };
    if (tag !== ITEM)
      throw new DeepHealthError('file.malformed', 'The fragments of the pixels are not items.');
    cursor.need(length, end);
    items.push(cursor.take(length));
  }
  cursor.position = end;
  return { items, delimited: false };
}
