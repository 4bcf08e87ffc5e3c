import { DeepHealthError } from '../../errors/error.ts';
import { withoutEnd } from '../../text/without-end.ts';
import { type DicomDataset, type DicomElement, type DicomValue, type PersonName, text } from '../dataset.ts';

const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/** Who wrote the file (PS3.10 7.1); the UID is `hashedUid('implementation')`. */
export const IMPLEMENTATION_CLASS_UID = '2.25.104311576284208337712892965761186470079';
const IMPLEMENTATION_VERSION_NAME = 'DEEP_HEALTH_1';

/** VRs with a 32-bit length in Explicit VR (PS3.5 7.1.2). */
const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const BYTE_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);
const TEXT_VRS = new Set([
  ...['AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'LO', 'LT', 'PN', 'SH', 'ST', 'TM', 'UC', 'UI', 'UR', 'UT'],
]);
const NUMBER_BYTES: Readonly<Record<string, number>> = {
  US: 2,
  SS: 2,
  UL: 4,
  SL: 4,
  FL: 4,
  FD: 8,
  SV: 8,
  UV: 8,
};

/** Bytes as a list of pieces, so that pixel data is copied once. */
interface Pieces {
  readonly list: readonly Uint8Array[];
  readonly length: number;
}

/**
 * A dataset as a DICOM Part 10 file (PS3.10 7): preamble, file meta information, Explicit VR Little Endian,
 * text as UTF-8 (the dataset has to say so: `SpecificCharacterSet` ISO_IR 192), defined lengths, tags in
 * ascending order. The same dataset always gives the same bytes. Throws `report.content-invalid` for what
 * cannot be written: no SOP UIDs, a wrong kind of value for a VR, a value too long for its length field.
 */
export function writePart10(dataset: DicomDataset): Uint8Array<ArrayBuffer> {
  const sopClass = text(dataset, '00080016');
  const sopInstance = text(dataset, '00080018');
  if (sopClass === undefined || sopInstance === undefined) throw refusal('00080018', 'has no SOP UIDs');
  const meta = encodeDataset({
    '00020001': { vr: 'OB', Value: [Uint8Array.of(0, 1)] },
    '00020002': { vr: 'UI', Value: [sopClass] },
    '00020003': { vr: 'UI', Value: [sopInstance] },
    '00020010': { vr: 'UI', Value: [EXPLICIT_VR_LITTLE_ENDIAN] },
    '00020012': { vr: 'UI', Value: [IMPLEMENTATION_CLASS_UID] },
    '00020013': { vr: 'SH', Value: [IMPLEMENTATION_VERSION_NAME] },
  });
  const groupLength = encodeDataset({ '00020000': { vr: 'UL', Value: [meta.length] } });
  const preamble = Buffer.alloc(132);
  preamble.write('DICM', 128, 'latin1');
  const body = encodeDataset(dataset);
  const file = new Uint8Array(preamble.length + groupLength.length + meta.length + body.length);
  let offset = 0;
  for (const piece of [preamble, ...groupLength.list, ...meta.list, ...body.list]) {
    file.set(piece, offset);
    offset += piece.length;
  }
  return file;
}

function encodeDataset(dataset: DicomDataset): Pieces {
  const list: Uint8Array[] = [];
  let length = 0;
  for (const tag of Object.keys(dataset).sort()) {
    const element = dataset[tag];
    if (element === undefined) continue;
    const value = encodeValue(tag, element);
    const header = elementHeader(tag, element.vr, value.length);
    list.push(header);
    // One by one: as arguments of a call, a hundred thousand of them would end it.
    for (const piece of value.list) list.push(piece);
    length += header.length + value.length;
  }
  return { list, length };
}

function elementHeader(tag: string, vr: string, length: number): Uint8Array {
  const long = LONG_VRS.has(vr);
  if (length > (long ? 0xfffffffe : 0xfffe)) throw refusal(tag, 'is too long for its VR');
  const header = Buffer.alloc(long ? 12 : 8);
  writeTag(header, tag, 0);
  header.write(vr, 4, 'latin1');
  if (long) header.writeUInt32LE(length, 8);
  else header.writeUInt16LE(length, 6);
  return header;
}

function writeTag(target: Buffer, tag: string, offset: number): void {
  if (!/^[0-9A-F]{8}$/.test(tag)) throw refusal(tag, 'is not a tag');
  target.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), offset);
  target.writeUInt16LE(Number.parseInt(tag.slice(4), 16), offset + 2);
}

function encodeValue(tag: string, { vr, Value: values = [] }: DicomElement): Pieces {
  if (vr === 'SQ') return encodeItems(tag, values);
  if (TEXT_VRS.has(vr)) {
    const joined = values.map((value) => textOf(tag, vr, value)).join('\\');
    const encoded = Buffer.from(joined, 'utf8');
    return padded([encoded], encoded.length, vr === 'UI' ? 0x00 : 0x20);
  }
  if (BYTE_VRS.has(vr)) {
    const list = values.map((value) => {
      if (value instanceof Uint8Array) return value;
      throw refusal(tag, 'does not hold bytes');
    });
    return padded(
      list,
      list.reduce((sum, piece) => sum + piece.length, 0),
      0x00,
    );
  }
  return encodeNumbers(tag, vr, values);
}

function encodeNumbers(tag: string, vr: string, values: readonly DicomValue[]): Pieces {
  const size = vr === 'AT' ? 4 : NUMBER_BYTES[vr];
  if (size === undefined) throw refusal(tag, 'has a VR that is not known');
  const buffer = Buffer.alloc(size * values.length);
  values.forEach((value, index) => {
    const offset = index * size;
    if (vr === 'AT') {
      if (typeof value !== 'string') throw refusal(tag, 'does not hold tags');
      writeTag(buffer, value, offset);
      return;
    }
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number !== 'number' || Number.isNaN(number)) throw refusal(tag, 'does not hold numbers');
    try {
      writeNumber(buffer, vr, number, offset);
    } catch {
      throw refusal(tag, 'holds a number outside of the range of its VR');
    }
  });
  return { list: [buffer], length: buffer.length };
}

function writeNumber(buffer: Buffer, vr: string, number: number, offset: number): void {
  switch (vr) {
    case 'US':
      buffer.writeUInt16LE(number, offset);
      return;
    case 'SS':
      buffer.writeInt16LE(number, offset);
      return;
    case 'UL':
      buffer.writeUInt32LE(number, offset);
      return;
    case 'SL':
      buffer.writeInt32LE(number, offset);
      return;
    case 'FL':
      buffer.writeFloatLE(number, offset);
      return;
    case 'FD':
      buffer.writeDoubleLE(number, offset);
      return;
    case 'SV':
      buffer.writeBigInt64LE(BigInt(number), offset);
      return;
    default:
      buffer.writeBigUInt64LE(BigInt(number), offset);
  }
}

function encodeItems(tag: string, values: readonly DicomValue[]): Pieces {
  const list: Uint8Array[] = [];
  let length = 0;
  for (const value of values) {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
      throw refusal(tag, 'does not hold items');
    }
    const item = encodeDataset(value as DicomDataset);
    const header = Buffer.alloc(8);
    writeTag(header, 'FFFEE000', 0);
    header.writeUInt32LE(item.length, 4);
    list.push(header);
    for (const piece of item.list) list.push(piece);
    length += header.length + item.length;
  }
  return { list, length };
}

/** Text with an even length (PS3.5 6.2); `list` is one run of bytes that the padding follows. */
function padded(list: readonly Uint8Array[], length: number, filler: number): Pieces {
  return length % 2 === 0 ? { list, length } : { list: [...list, Uint8Array.of(filler)], length: length + 1 };
}

function textOf(tag: string, vr: string, value: DicomValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (vr === 'PN' && !(value instanceof Uint8Array)) return personName(value as PersonName);
  throw refusal(tag, 'does not hold text');
}

/** The component groups of a name with the empty ones at the end left out (PS3.5 6.2.1.1). */
function personName({ Alphabetic = '', Ideographic = '', Phonetic = '' }: PersonName): string {
  return withoutEnd([Alphabetic, Ideographic, Phonetic].join('='), '=');
}

function refusal(tag: string, why: string): DeepHealthError {
  return new DeepHealthError('report.content-invalid', `Attribute ${tag} ${why}; nothing was written.`);
}
