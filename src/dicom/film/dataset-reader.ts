import { DeepHealthError } from '../../errors/error.ts';
import { type DicomDataset, type DicomElement, texts } from '../dataset.ts';
import { type CharacterSets, characterSets, type DecodedText } from './charset.ts';
import { Cursor } from './cursor.ts';
import {
  type DatasetEncoding,
  type ElementHeader,
  ITEM,
  ITEM_END,
  itemEncoding,
  readElementHeader,
  SEQUENCE_END,
  UNDEFINED_LENGTH,
} from './element-header.ts';
import type { FilmLimits } from './limits.ts';
import { type PixelField, readFragments, readPixelField } from './pixel-field.ts';
import { dictionaryVr, layoutOf } from './value-representation.ts';
import { readValues } from './values.ts';

/** What reading a dataset gives. */
export interface ReadDataset {
  /** Without Pixel Data, group lengths and trailing padding. */
  readonly dataset: DicomDataset;
  readonly pixelField: PixelField | null;
  /** Text outside of private groups that was not read exactly as declared: its tag, how far it can be trusted. */
  readonly doubtfulText: ReadonlyMap<string, 'assumed' | 'damaged'>;
  /** Where reading stopped. */
  readonly end: number;
  /** Whether bytes behind Pixel Data could not be read. */
  readonly trailing: boolean;
}

const PIXEL_DATA = '7FE00010';
const TRAILING_PADDING = 'FFFCFFFC';
const SPECIFIC_CHARACTER_SET = '00080005';

/** Values of UN, and of VRs unknown here, are implicit little endian whatever the syntax (PS3.5 6.2.2). */
const UNKNOWN_VALUES: DatasetEncoding = { explicit: false, little: true };

/** A dataset or item that is being read. */
interface Level {
  readonly encoding: DatasetEncoding;
  readonly charset: CharacterSets;
  /** 0 is the dataset itself. */
  readonly depth: number;
  readonly end: number;
  /** Whether a delimiter ends it, and not `end`. */
  readonly delimited: boolean;
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
  const cursor = new Cursor(bytes, start, limits);
  const doubtfulText = new Map<string, 'assumed' | 'damaged'>();
  let inPrivate = false;
  let pixelField: PixelField | null = null;

  function noteText(tag: string, trust: DecodedText['trust']): void {
    if (trust === 'exact' || inPrivate || doubtfulText.get(tag) === 'damaged') return;
    doubtfulText.set(tag, trust);
  }

  /** The elements of a dataset or item, put into `dataset` one by one. */
  function readElements(dataset: DicomDataset, level: Level): DicomDataset {
    const { encoding, depth, end, delimited } = level;
    let { charset } = level;
    while (cursor.position < end) {
      if (depth === 0 && cursor.position + 4 <= end && stop(cursor.peekTag(encoding.little))) break;
      const header = readElementHeader(cursor, encoding, end);
      const { tag } = header;
      cursor.countElement();
      if (tag === ITEM_END) {
        if (delimited) return dataset;
        continue;
      }
      if (tag.startsWith('FFFE')) {
        throw new DeepHealthError('file.malformed', 'A sequence delimiter stands where an element should.');
      }
      if (depth === 0) inPrivate = Number.parseInt(tag.slice(0, 4), 16) % 2 === 1;
      if (tag === PIXEL_DATA && depth === 0) {
        pixelField = readPixelField(cursor, header, encoding.little, end);
        continue;
      }
      const element = readElement(header, { ...level, charset });
      if (!tag.endsWith('0000') && tag !== TRAILING_PADDING) dataset[tag] = element;
      if (tag === SPECIFIC_CHARACTER_SET) charset = characterSets(texts(dataset, tag));
    }
    if (delimited) throw new DeepHealthError('file.truncated');
    return dataset;
  }

  function readElement({ tag, vr, length }: ElementHeader, level: Level): DicomElement {
    const known = vr === 'UN' || layoutOf(vr) === undefined ? dictionaryVr(tag) : vr;
    const encoding = known === vr ? level.encoding : UNKNOWN_VALUES;
    if (length === UNDEFINED_LENGTH) {
      if (vr !== 'UN' && layoutOf(vr)?.kind === 'bytes') {
        // Compressed pixels of an icon: nobody here looks at them.
        readFragments(cursor, level.encoding.little, level.end);
        return { vr };
      }
      const coding = vr === 'UN' ? UNKNOWN_VALUES : level.encoding;
      return sequence(readItems({ ...level, encoding: coding, delimited: true }));
    }
    cursor.need(length, level.end);
    const end = cursor.position + length;
    if (vr === 'SQ') return sequence(readItems({ ...level, end, delimited: false }));
    if (known === 'SQ') return readUnknownSequence({ ...level, encoding, end, delimited: false });
    const layout = layoutOf(known) ?? { kind: 'bytes', word: 1 };
    const field = cursor.take(length);
    if (layout.kind !== 'bytes') cursor.countHeaderBytes(length);
    const { charset } = level;
    const onText = (trust: DecodedText['trust']) => noteText(tag, trust);
    const Value = readValues(field, layout, { little: encoding.little, charset, onText });
    return Value.length === 0 ? { vr: known } : { vr: known, Value };
  }

  /** A sequence that was stored as UN: its bytes if it cannot be read as one. */
  function readUnknownSequence(level: Level): DicomElement {
    const start = cursor.position;
    try {
      return sequence(readItems(level));
    } catch (error) {
      if (!(error instanceof DeepHealthError) || error.code === 'file.too-complex') throw error;
      cursor.position = level.end;
      return { vr: 'UN', Value: [bytes.subarray(start, level.end)] };
    }
  }

  /** The items of a sequence; `level` is that of its element, its end that of the value field if it has one. */
  function readItems(level: Level): DicomDataset[] {
    const { encoding, end, delimited } = level;
    const depth = level.depth + 1;
    cursor.checkDepth(depth);
    const found: DicomDataset[] = [];
    while (cursor.position < end) {
      cursor.need(8, end);
      const tag = cursor.readTag(encoding.little);
      const length = cursor.readUint32(encoding.little);
      cursor.countElement();
      if (tag === SEQUENCE_END) return found;
      if (tag !== ITEM) {
        throw new DeepHealthError('file.malformed', 'A sequence holds something that is not an item.');
      }
      const inner = { ...level, depth, encoding: itemEncoding(cursor, encoding) };
      if (length === UNDEFINED_LENGTH) {
        found.push(readElements({}, { ...inner, delimited: true }));
        continue;
      }
      cursor.need(length, end);
      const itemEnd = cursor.position + length;
      found.push(readElements({}, { ...inner, end: itemEnd, delimited: false }));
      cursor.position = itemEnd;
    }
    if (delimited) throw new DeepHealthError('file.truncated');
    return found;
  }

  const dataset: DicomDataset = {};
  const top: Level = { encoding, charset: characterSets([]), depth: 0, end: bytes.length, delimited: false };
  let trailing = false;
  try {
    readElements(dataset, top);
  } catch (error) {
    // Behind the pixels stand signatures and padding at most: the film is whole without them.
    if (pixelField === null || !(error instanceof DeepHealthError)) throw error;
    trailing = true;
  }
  return { dataset, pixelField, doubtfulText, end: cursor.position, trailing };
}

function sequence(found: DicomDataset[]): DicomElement {
  return found.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: found };
}
