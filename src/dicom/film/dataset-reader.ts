import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset, DicomElement } from '../dataset.ts';
import { texts } from '../dataset.ts';
import { type CharacterSets, characterSets, type DecodedText } from './charset.ts';
import { latin1 } from './encodings.ts';
import type { FilmLimits } from './limits.ts';
import { dictionaryVr, hasLongLength, layoutOf } from './value-representation.ts';
import { readValues, tagOf } from './values.ts';

/** The value field of Pixel Data (7FE0,0010), not interpreted. */
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

/** What reading a dataset gives. */
export interface ReadDataset {
  readonly dataset: DicomDataset;
  readonly pixelField: PixelField | null;
  /** Text that was not read exactly as declared: the tag (outermost) and how far it can be trusted. */
  readonly doubtfulText: ReadonlyMap<string, Exclude<DecodedText['trust'], 'exact'>>;
  /** Where reading stopped, and whether bytes behind Pixel Data could not be read. */
  readonly end: number;
  readonly trailing: boolean;
}

export interface DatasetEncoding {
  readonly explicit: boolean;
  readonly little: boolean;
}

/** Element names that structure a dataset (PS3.5 7.5). */
const ITEM = 'FFFEE000';
const ITEM_END = 'FFFEE00D';
const SEQUENCE_END = 'FFFEE0DD';
const PIXEL_DATA = '7FE00010';
const TRAILING_PADDING = 'FFFCFFFC';
const UNDEFINED = 0xffffffff;

interface ElementHeader {
  readonly tag: string;
  readonly vr: string;
  readonly length: number;
}

/**
 * Reads a dataset (PS3.5 7) from `start` on, without copying: binary values are views of `bytes`. It believes
 * the bytes more than the declaration: an item whose elements have no VR letters is read as implicit, UN is
 * read by the data dictionary, a sequence may be of undefined length under any VR.
 *
 * @param stop ends before the first element for which it says so (used for the meta header).
 * @throws DeepHealthError `file.truncated` when a value goes beyond the file, `file.malformed`,
 * `file.too-complex` by the limits.
 */
export function readDataset(
  bytes: Uint8Array,
  start: number,
  encoding: DatasetEncoding,
  limits: FilmLimits,
  stop: (tag: string) => boolean = () => false,
): ReadDataset {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const doubtfulText = new Map<string, 'assumed' | 'damaged'>();
  let position = start;
  let count = 0;
  let outermost = '';
  let pixelField: PixelField | null = null;

  function need(length: number, end: number): void {
    if (position + length <= end) return;
    if (end === bytes.length) throw new DeepHealthError('file.truncated');
    throw new DeepHealthError('file.malformed', 'An element is longer than the item that holds it.');
  }

  function counted(): void {
    count += 1;
    if (count > limits.elements) {
      throw new DeepHealthError('file.too-complex', `The file has more than ${limits.elements} elements.`);
    }
  }

  function readTag(little: boolean): string {
    const tag = tagOf(view.getUint16(position, little), view.getUint16(position + 2, little));
    position += 4;
    return tag;
  }

  function readUint32(little: boolean): number {
    const value = view.getUint32(position, little);
    position += 4;
    return value;
  }

  function readHeader(encoding: DatasetEncoding, end: number): ElementHeader {
    need(8, end);
    const tag = readTag(encoding.little);
    if (tag.startsWith('FFFE')) return { tag, vr: '', length: readUint32(encoding.little) };
    if (!encoding.explicit) return { tag, vr: dictionaryVr(tag), length: readUint32(encoding.little) };
    if (!hasVrLetters(bytes, position)) {
      // Blanks, zeros or `??` where the VR should be: PS3.5 has no such thing, dcmtk's readers pass it as UN.
      const vr = dictionaryVr(tag);
      position += 4;
      need(4, end);
      return { tag, vr, length: readUint32(encoding.little) };
    }
    const vr = latin1(bytes.subarray(position, position + 2));
    position += 2;
    const shortLength = view.getUint16(position, encoding.little);
    position += 2;
    // A VR that this reader does not know has the long form (PS3.5 6.2), its reserved bytes being zero.
    const long = hasLongLength(vr) || (layoutOf(vr) === undefined && shortLength === 0);
    if (!long) return { tag, vr, length: shortLength };
    need(4, end);
    return { tag, vr, length: readUint32(encoding.little) };
  }

  function readItem(
    dataset: DicomDataset,
    end: number,
    encoding: DatasetEncoding,
    inherited: CharacterSets,
    depth: number,
    delimited: boolean,
  ): DicomDataset {
    let charset = inherited;
    while (position < end) {
      if (depth === 0 && position + 4 <= end && stop(tagAt(position, encoding.little))) break;
      const header = readHeader(encoding, end);
      counted();
      if (header.tag === ITEM_END) {
        if (delimited) return dataset;
        continue;
      }
      if (header.tag.startsWith('FFFE')) {
        throw new DeepHealthError('file.malformed', 'A sequence delimiter stands where an element should.');
      }
      if (depth === 0) outermost = header.tag;
      if (header.tag === PIXEL_DATA && depth === 0) {
        pixelField = readPixelField(header, encoding, end);
        continue;
      }
      const element = readElement(header, encoding, charset, depth, end);
      if (!header.tag.endsWith('0000') && header.tag !== TRAILING_PADDING) dataset[header.tag] = element;
      if (header.tag === '00080005') charset = characterSets(texts(dataset, '00080005'));
    }
    if (delimited) throw new DeepHealthError('file.truncated');
    return dataset;
  }

  function readElement(
    header: ElementHeader,
    encoding: DatasetEncoding,
    charset: CharacterSets,
    depth: number,
    end: number,
  ): DicomElement {
    // Bytes of an unknown VR, and of UN, are implicit little endian whatever the syntax (PS3.5 6.2.2).
    const known =
      header.vr === 'UN' || layoutOf(header.vr) === undefined ? dictionaryVr(header.tag) : header.vr;
    const inner = known === header.vr ? encoding : { explicit: false, little: true };
    if (header.length === UNDEFINED) {
      if (header.vr !== 'UN' && layoutOf(header.vr)?.kind === 'bytes') {
        readFragments(encoding.little, end);
        return { vr: header.vr };
      }
      const asSequence = header.vr === 'UN' ? { explicit: false, little: true } : encoding;
      return withItems(readSequence(end, true, asSequence, charset, depth + 1));
    }
    need(header.length, end);
    const valueEnd = position + header.length;
    if (header.vr === 'SQ') return withItems(readSequence(valueEnd, false, encoding, charset, depth + 1));
    if (known === 'SQ') return readUnknownSequence(valueEnd, inner, charset, depth);
    const field = bytes.subarray(position, valueEnd);
    position = valueEnd;
    const layout = layoutOf(known);
    if (layout === undefined) return { vr: 'UN', ...(field.length > 0 && { Value: [field] }) };
    const onText = (trust: DecodedText['trust']): void => {
      if (trust === 'exact' || doubtfulText.get(outermost) === 'damaged') return;
      doubtfulText.set(outermost, trust);
    };
    const Value = readValues(field, layout, { little: inner.little, charset, onText });
    return Value.length === 0 ? { vr: known } : { vr: known, Value };
  }

  /** A sequence that was stored as UN: its bytes if it cannot be read as one. */
  function readUnknownSequence(
    end: number,
    encoding: DatasetEncoding,
    charset: CharacterSets,
    depth: number,
  ): DicomElement {
    const start = position;
    try {
      return withItems(readSequence(end, false, encoding, charset, depth + 1));
    } catch (error) {
      if (!(error instanceof DeepHealthError) || error.code === 'file.too-complex') throw error;
      position = end;
      return { vr: 'UN', Value: [bytes.subarray(start, end)] };
    }
  }

  function readSequence(
    end: number,
    delimited: boolean,
    encoding: DatasetEncoding,
    charset: CharacterSets,
    depth: number,
  ): DicomDataset[] {
    if (depth > limits.depth) {
      throw new DeepHealthError('file.too-complex', `Sequences are nested deeper than ${limits.depth}.`);
    }
    const found: DicomDataset[] = [];
    while (position < end) {
      need(8, end);
      const tag = readTag(encoding.little);
      const length = readUint32(encoding.little);
      counted();
      if (tag === SEQUENCE_END) return found;
      if (tag !== ITEM) {
        throw new DeepHealthError('file.malformed', 'A sequence holds something that is not an item.');
      }
      const own = itemEncoding(encoding);
      if (length === UNDEFINED) found.push(readItem({}, end, own, charset, depth, true));
      else {
        need(length, end);
        const itemEnd = position + length;
        found.push(readItem({}, itemEnd, own, charset, depth, false));
        position = itemEnd;
      }
    }
    if (delimited) throw new DeepHealthError('file.truncated');
    return found;
  }

  /** Some writers copy items between implicit and explicit files without coding them anew. */
  function itemEncoding(encoding: DatasetEncoding): DatasetEncoding {
    if (position + 8 > bytes.length || view.getUint16(position, encoding.little) === 0xfffe) return encoding;
    const explicit = isKnownVr(bytes, position + 4);
    return explicit === encoding.explicit ? encoding : { explicit, little: encoding.little };
  }

  function tagAt(at: number, little: boolean): string {
    return tagOf(view.getUint16(at, little), view.getUint16(at + 2, little));
  }

  function readFragments(little: boolean, end: number): { items: Uint8Array[]; delimited: boolean } {
    const found: Uint8Array[] = [];
    while (position + 8 <= end) {
      const tag = readTag(little);
      const length = readUint32(little);
      counted();
      if (tag === SEQUENCE_END) return { items: found, delimited: true };
      if (tag !== ITEM) {
        throw new DeepHealthError('file.malformed', 'The fragments of the pixels are not items.');
      }
      need(length, end);
      found.push(bytes.subarray(position, position + length));
      position += length;
    }
    position = end;
    return { items: found, delimited: false };
  }

  function readPixelField(header: ElementHeader, encoding: DatasetEncoding, end: number): PixelField {
    const little = encoding.little;
    if (header.length !== UNDEFINED) {
      need(header.length, end);
      const field = bytes.subarray(position, position + header.length);
      position += header.length;
      return { kind: 'native', vr: header.vr, field };
    }
    const { items, delimited } = readFragments(little, end);
    const [offsetTable = bytes.subarray(0, 0), ...fragments] = items;
    return { kind: 'encapsulated', offsetTable, fragments, delimited };
  }

  const dataset: DicomDataset = {};
  let trailing = false;
  try {
    readItem(dataset, bytes.length, encoding, characterSets([]), 0, false);
  } catch (error) {
    // Behind the pixels stand signatures and padding at most: the film is whole without them.
    if (pixelField === null || !(error instanceof DeepHealthError)) throw error;
    trailing = true;
  }
  return { dataset, pixelField, doubtfulText, end: position, trailing };
}

/** Whether two upper-case letters stand where a VR would. */
function hasVrLetters(bytes: Uint8Array, at: number): boolean {
  const [a = 0, b = 0] = [bytes[at], bytes[at + 1]];
  return a >= 0x41 && a <= 0x5a && b >= 0x41 && b <= 0x5a;
}

/** Whether a VR of PS3.5 stands there. */
export function isKnownVr(bytes: Uint8Array, at: number): boolean {
  return hasVrLetters(bytes, at) && layoutOf(latin1(bytes.subarray(at, at + 2))) !== undefined;
}

function withItems(found: DicomDataset[]): DicomElement {
  return found.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: found };
}
