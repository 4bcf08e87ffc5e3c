import { deflateRawSync } from 'node:zlib';
import { phantomFile } from '../../src/dicom/phantom/file.ts';
import { explicitElement, implicitElement, metaEnd, part10Start } from '../fixtures/dicom.ts';
import { mutated, NASTY_WORDS } from './mutate.ts';
import type { FuzzRandom } from './random.ts';

/** The smallest films that pass the selection with the rules below: quick to read, so that many cases run. */
const SIDES = { width: 40, height: 33 } as const;

const PLAIN = [
  phantomFile({ ...SIDES, kind: 'CR', seed: 4 }),
  phantomFile({ ...SIDES, kind: 'DX', seed: 5 }),
  phantomFile({ ...SIDES, kind: 'DX', seed: 6, syntax: 'implicit', bits: 8 }),
  phantomFile({ ...SIDES, kind: 'CR', seed: 7, signed: true, photometric: 'MONOCHROME1' }),
];

const CR = PLAIN[0] ?? new Uint8Array();

const TAGS = [
  '00080005',
  '00080008',
  '00080016',
  '00080018',
  '00080020',
  '00080050',
  '00080060',
  '0008103E',
  '00081030',
  '00082218',
  '00100010',
  '00100020',
  '00101010',
  '00180015',
  '00185101',
  '0020000D',
  '0020000E',
  '00200020',
  '00280002',
  '00280004',
  '00280008',
  '00280010',
  '00280011',
  '00280034',
  '00280100',
  '00280101',
  '00280102',
  '00280103',
  '00280106',
  '00280120',
  '00281050',
  '00281051',
  '00281052',
  '00281053',
  '00281056',
  '00283000',
  '00283002',
  '00283003',
  '00283006',
  '00283010',
  '00540220',
  '00181600',
  '00181602',
  '00181620',
  '20500020',
  '7FE00010',
  '00091001',
  '00090010',
  '60003000',
  'FFFCFFFC',
  'FFFEE000',
  'FFFEE00D',
  'FFFEE0DD',
  '00020010',
  '00000000',
  '00080000',
  '00080001',
  '54000100',
];

const VRS = [
  'AE',
  'AS',
  'AT',
  'CS',
  'DA',
  'DS',
  'DT',
  'FD',
  'FL',
  'IS',
  'LO',
  'LT',
  'OB',
  'OD',
  'OF',
  'OL',
  'OV',
  'OW',
  'PN',
  'SH',
  'SL',
  'SQ',
  'SS',
  'ST',
  'SV',
  'TM',
  'UC',
  'UI',
  'UL',
  'UN',
  'UR',
  'US',
  'UT',
  'UV',
  '??',
  'ZZ',
  '\0\0',
];

const LENGTHS = [0, 1, 2, 3, 4, 8, 10, 64, 255, 256, 65_534, 65_535, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff];

const CHARSETS = [
  'ISO_IR 192',
  'ISO_IR 100',
  'GB18030',
  'GBK',
  'ISO 2022 IR 87',
  '\\ISO 2022 IR 149',
  'ISO_IR 13',
  'ISO_IR 999',
  '\\\\\\',
  'ISO 2022 IR 6\\ISO 2022 IR 58',
];

const SYNTAXES = [
  '1.2.840.10008.1.2',
  '1.2.840.10008.1.2.1',
  '1.2.840.10008.1.2.2',
  '1.2.840.10008.1.2.1.99',
  '1.2.840.10008.1.2.5',
  '1.2.840.10008.1.2.4.50',
  '1.2.840.10008.1.2.4.90',
  '1.2.3',
  '',
];

/** A DICOM file that was damaged, or one that was made of elements as no writer makes them. */
export function hostileFile(random: FuzzRandom): Uint8Array {
  switch (random.below(8)) {
    case 0:
    case 1:
      return mutated(random.pick(PLAIN), random, { pieces: madeElements(random) });
    case 2:
    case 3:
      return madeFile(random);
    case 4:
      return deflated(random);
    case 5:
      return bigEndian(random);
    case 6:
      return encapsulatedFile(random);
    default:
      return withElements(random);
  }
}

function madeElements(random: FuzzRandom): Uint8Array[] {
  return Array.from({ length: 4 }, () => madeElement(random, random.maybe(0.5), 0));
}

/** One element: its VR need not be that of its tag, its length need not be that of its value. */
function madeElement(random: FuzzRandom, explicit: boolean, depth: number): Buffer {
  const tag = random.pick(TAGS);
  const nested = depth < 40 && random.maybe(depth === 0 ? 0.25 : 0.35);
  const vr = nested ? random.pick(['SQ', 'UN', 'OB']) : random.pick(VRS);
  const value = nested ? madeItems(random, explicit, depth + 1) : madeValue(random);
  const length = random.maybe(0.2)
    ? random.pick(LENGTHS)
    : random.maybe(0.1) && nested
      ? 0xffff_ffff
      : undefined;
  if (!explicit) return implicitElement(tag, value, length);
  const long = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'].includes(vr);
  if (long) return explicitElement(tag, vr, value, length);
  return explicitElement(
    tag,
    vr,
    value.subarray(0, 65_534),
    (length ?? Math.min(value.length, 65_534)) & 0xffff,
  );
}

function madeItems(random: FuzzRandom, explicit: boolean, depth: number): Buffer {
  const parts: Buffer[] = [];
  for (let item = random.below(3); item >= 0; item--) {
    const content = Array.from({ length: random.below(3) }, () =>
      madeElement(random, random.maybe(0.9) === explicit, depth),
    );
    const open = random.maybe(0.4);
    parts.push(implicitElement('FFFEE000', Buffer.concat(content), open ? 0xffff_ffff : undefined));
    if (open && random.maybe(0.8)) parts.push(implicitElement('FFFEE00D'));
  }
  if (random.maybe(0.5)) parts.push(implicitElement('FFFEE0DD'));
  return Buffer.concat(parts);
}

function madeValue(random: FuzzRandom): Buffer {
  switch (random.below(6)) {
    case 0:
      return Buffer.from(random.bytes(random.below(40)));
    case 1:
      return Buffer.from(
        random.pick(NASTY_WORDS).repeat(1 + random.below(3)),
        random.pick(['utf8', 'latin1'] as const),
      );
    case 2:
      return Buffer.from(random.pick(CHARSETS), 'latin1');
    case 3:
      return Buffer.from(
        random.pick(['CHEST', 'PA', 'CR', 'ORIGINAL\\PRIMARY', 'MONOCHROME2', '1\\2\\3', '-1', '1e400', '']),
        'latin1',
      );
    case 4: {
      const number = Buffer.alloc(4);
      number.writeUInt32LE(random.pick(LENGTHS));
      return number.subarray(0, random.pick([1, 2, 4]));
    }
    default:
      // Escape sequences of ISO 2022 among other bytes.
      return Buffer.from(`Yamada^\x1b$B${';3ED'.repeat(random.below(4))}\x1b(J=\x1b$)C\xb1\xe8`, 'latin1');
  }
}

function madeFile(random: FuzzRandom): Uint8Array {
  const explicit = random.maybe(0.7);
  const elements = Array.from({ length: random.below(12) }, () => madeElement(random, explicit, 0));
  const start = random.maybe(0.8) ? part10Start(random.pick(SYNTAXES)) : Buffer.alloc(0);
  return Uint8Array.from(Buffer.concat([start, ...elements]));
}

/** A film with hostile elements in front of its own, so that most of them are read. */
function withElements(random: FuzzRandom): Uint8Array {
  const end = metaEnd(CR);
  return Uint8Array.from(
    Buffer.concat([
      CR.subarray(0, end),
      ...Array.from({ length: 1 + random.below(4) }, () => madeElement(random, true, 0)),
      CR.subarray(end),
    ]),
  );
}

function deflated(random: FuzzRandom): Uint8Array {
  const body = random.maybe(0.2) ? Buffer.alloc(2 ** (10 + random.below(13))) : CR.subarray(metaEnd(CR));
  const packed = deflateRawSync(random.maybe(0.5) ? mutated(body, random) : body);
  const start = part10Start('1.2.840.10008.1.2.1.99');
  const file = Buffer.concat([start, packed]);
  return random.maybe(0.5) ? mutated(file, random) : Uint8Array.from(file);
}

function bigEndian(random: FuzzRandom): Uint8Array {
  const element = (tag: string, vr: string, value: Uint8Array) => {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(Number.parseInt(tag, 16));
    header.write(vr, 4, 'latin1');
    header.writeUInt16BE(value.length, 6);
    return Buffer.concat([header, value]);
  };
  const word = (value: number) => Uint8Array.of(value >> 8, value & 255);
  const file = Buffer.concat([
    part10Start('1.2.840.10008.1.2.2'),
    element('00080060', 'CS', Buffer.from('CR')),
    element('00280010', 'US', word(random.below(70))),
    element('00280011', 'US', word(random.below(70))),
    element('00280100', 'US', word(random.pick([8, 16, 32]))),
    element('7FE00010', random.pick(['OW', 'OB']), random.bytes(random.below(64))),
  ]);
  return mutated(file, random);
}

/** Fragments, offset tables and delimiters as no encoder writes them. */
function encapsulatedFile(random: FuzzRandom): Uint8Array {
  const end = metaEnd(CR);
  const header = CR.subarray(end, Buffer.from(CR).indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00])));
  const table = Buffer.alloc(4 * random.below(4));
  for (let at = 0; at < table.length; at += 4) table.writeUInt32LE(random.pick(LENGTHS), at);
  const items = [
    table,
    ...Array.from({ length: random.below(5) }, () => Buffer.from(random.bytes(random.below(80)))),
  ];
  const file = Buffer.concat([
    part10Start(random.pick(SYNTAXES)),
    header,
    explicitElement('7FE00010', random.pick(['OB', 'OW', 'UN', 'SQ']), new Uint8Array(), 0xffff_ffff),
    ...items.map((item) =>
      implicitElement(
        random.maybe(0.95) ? 'FFFEE000' : 'FFFEE00D',
        item,
        random.maybe(0.1) ? random.pick(LENGTHS) : undefined,
      ),
    ),
    ...(random.maybe(0.8) ? [implicitElement('FFFEE0DD')] : []),
  ]);
  return random.maybe(0.3) ? mutated(file, random) : Uint8Array.from(file);
}
