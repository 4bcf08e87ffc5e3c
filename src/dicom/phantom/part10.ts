import { withoutEnd } from '../../text/without-end.ts';
import type { DicomDataset, DicomElement, DicomValue, PersonName } from '../dataset.ts';

/** The transfer syntaxes that a phantom is written in. */
export type PhantomSyntax = 'explicit' | 'implicit';

const SYNTAX_UIDS: Record<PhantomSyntax, string> = {
  explicit: '1.2.840.10008.1.2.1',
  implicit: '1.2.840.10008.1.2',
};

/** VRs whose explicit header has a 32-bit length (PS3.5 7.1.2). */
const LONG_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);

/**
 * A DICOM file (PS3.10 7): preamble, meta information, dataset in little endian.
 *
 * Text is written in UTF-8 when Specific Character Set says ISO_IR 192, else byte for byte as Latin-1; a
 * value given as `Uint8Array` is written as it stands whatever its VR, so any character set and any broken
 * value can be made.
 */
export function part10(dataset: DicomDataset, syntax: PhantomSyntax = 'explicit'): Uint8Array {
  const utf8 = (dataset['00080005']?.Value ?? []).includes('ISO_IR 192');
  const meta = encodeDataset(
    {
      '00020001': { vr: 'OB', Value: [Uint8Array.of(0, 1)] },
      '00020002': { vr: 'UI', Value: dataset['00080016']?.Value ?? [] },
      '00020003': { vr: 'UI', Value: dataset['00080018']?.Value ?? [] },
      '00020010': { vr: 'UI', Value: [SYNTAX_UIDS[syntax]] },
      '00020012': { vr: 'UI', Value: ['2.25.302043790172249692526321623266752743501'] },
      '00020013': { vr: 'SH', Value: ['DEEPHEALTH_PHANT'] },
    },
    'explicit',
    false,
  );
  const groupLength = encodeDataset({ '00020000': { vr: 'UL', Value: [meta.length] } }, 'explicit', false);
  const preamble = Buffer.alloc(132);
  preamble.write('DICM', 128, 'latin1');
  return Buffer.concat([preamble, groupLength, meta, encodeDataset(dataset, syntax, utf8)]);
}

function encodeDataset(dataset: DicomDataset, syntax: PhantomSyntax, utf8: boolean): Buffer {
  const parts: Uint8Array[] = [];
  for (const tag of Object.keys(dataset).sort()) {
    const element = dataset[tag];
    if (element === undefined) continue;
    const value = encodeValue(element, syntax, utf8);
    parts.push(elementHeader(tag, element.vr, value.length, syntax), value);
  }
  return Buffer.concat(parts);
}

function elementHeader(tag: string, vr: string, length: number, syntax: PhantomSyntax): Buffer {
  const long = syntax === 'explicit' && LONG_VRS.has(vr);
  const header = Buffer.alloc(long ? 12 : 8);
  header.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  header.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  if (syntax === 'implicit') header.writeUInt32LE(length, 4);
  else {
    header.write(vr, 4, 'latin1');
    if (long) header.writeUInt32LE(length, 8);
    else header.writeUInt16LE(length, 6);
  }
  return header;
}

function encodeValue({ vr, Value: values = [] }: DicomElement, syntax: PhantomSyntax, utf8: boolean): Buffer {
  if (vr === 'SQ') {
    return Buffer.concat(
      values.flatMap((item) => {
        const content = encodeDataset(item as DicomDataset, syntax, utf8);
        const header = Buffer.from([0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0]);
        header.writeUInt32LE(content.length, 4);
        return [header, content];
      }),
    );
  }
  const [first] = values;
  if (first instanceof Uint8Array)
    return padded(Buffer.from(first.buffer, first.byteOffset, first.length), vr);
  const width = BINARY_WIDTHS[vr];
  if (width !== undefined) return encodeNumbers(vr, width, values);
  const text = values.map((value) => asText(value)).join('\\');
  return padded(Buffer.from(text, utf8 ? 'utf8' : 'latin1'), vr);
}

const BINARY_WIDTHS: Readonly<Record<string, number>> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, AT: 4 };

function encodeNumbers(vr: string, width: number, values: readonly DicomValue[]): Buffer {
  const encoded = Buffer.alloc(width * values.length);
  values.forEach((value, index) => {
    const at = index * width;
    const number = Number(value);
    if (vr === 'US') encoded.writeUInt16LE(number & 0xffff, at);
    else if (vr === 'SS') encoded.writeInt16LE(number, at);
    else if (vr === 'UL') encoded.writeUInt32LE(number, at);
    else if (vr === 'SL') encoded.writeInt32LE(number, at);
    else if (vr === 'FL') encoded.writeFloatLE(number, at);
    else if (vr === 'FD') encoded.writeDoubleLE(number, at);
    else {
      encoded.writeUInt16LE(Number.parseInt(String(value).slice(0, 4), 16), at);
      encoded.writeUInt16LE(Number.parseInt(String(value).slice(4), 16), at + 2);
    }
  });
  return encoded;
}

function asText(value: DicomValue): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  const name = value as PersonName;
  const groups = [name.Alphabetic, name.Ideographic, name.Phonetic].map((group) => group ?? '');
  return withoutEnd(groups.join('='), '=');
}

/** Values have an even length: UIDs and bytes are filled with a zero, text with a blank (PS3.5 6.2). */
function padded(value: Buffer, vr: string): Buffer {
  if (value.length % 2 === 0) return value;
  const filler = vr === 'UI' || vr.startsWith('O') || vr === 'UN' ? 0 : 0x20;
  return Buffer.concat([value, Uint8Array.of(filler)]);
}
