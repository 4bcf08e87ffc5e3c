import { createHash } from 'node:crypto';
import type { DicomDataset, DicomElement, DicomValue, PersonName } from '../dataset.ts';

/** What the file says around the pixels; everything has a default. */
export interface PhantomHeader {
  /** DX for presentation, CR, or Secondary Capture holding a film. Default `DX`. */
  readonly kind?: 'DX' | 'CR' | 'SC';
  /** View Position as written; `AP`, `PA`, `LL` and `RL` also give the DX view code. Default `AP` child, `PA` adult. */
  readonly view?: string;
  /** Default as drawn: `CHEST`, `HAND`, `SKULL`. */
  readonly bodyPart?: string;
  readonly patient?: {
    /** Text with carets, or component groups. */
    readonly name?: string | PersonName;
    readonly id?: string;
    /** YYYYMMDD. */
    readonly birthDate?: string;
    readonly sex?: 'M' | 'F' | 'O';
    /** As AS writes it, for example 004Y. */
    readonly age?: string;
  };
  readonly order?: {
    readonly accessionNumber?: string;
    readonly placerOrderNumber?: string;
    readonly fillerOrderNumber?: string;
    readonly requestedProcedureId?: string;
  };
  /** Default: hashed from the seed (study), with the kind (series) and with all options (instance). */
  readonly uids?: { readonly study?: string; readonly series?: string; readonly instance?: string };
  readonly instanceNumber?: number;
  /** Specific Character Set; default ISO_IR 192 (UTF-8). */
  readonly characterSet?: string;
  /** Attributes set or replaced at the end. */
  readonly attributes?: DicomDataset;
  /** Tags taken out at the end. */
  readonly without?: readonly string[];
}

export type PhantomSubject = 'child' | 'adult';

const SOP_CLASSES = {
  DX: '1.2.840.10008.5.1.4.1.1.1.1',
  CR: '1.2.840.10008.5.1.4.1.1.1',
  SC: '1.2.840.10008.5.1.4.1.1.7',
} as const;

/** DICOM codes of body parts (CID 4031); a DX of another one has no region and is not quite valid. */
const REGION_CODES: Readonly<Record<string, readonly [string, string]>> = {
  CHEST: ['51185008', 'Chest'],
  HAND: ['85562004', 'Hand'],
  SKULL: ['89546000', 'Skull'],
};

/** DICOM codes of projections (CID 4010). */
const VIEW_CODES: Readonly<Record<string, readonly [string, string]>> = {
  AP: ['399348003', 'antero-posterior'],
  PA: ['272479007', 'postero-anterior'],
  LL: ['399173006', 'left lateral'],
  RL: ['399198007', 'right lateral'],
};

/**
 * The header of a phantom without its Image Pixel attributes: patient, order, study, series, equipment and
 * what the SOP class asks for (PS3.3 A.2 CR, A.8 SC, A.26 DX).
 * @param identity text that tells this file from others of the same seed.
 */
export function phantomHeader(
  header: PhantomHeader,
  film: { subject: PhantomSubject; bodyPart: string; seed: number; identity: string },
): DicomDataset {
  const { subject, seed, identity } = film;
  const kind = header.kind ?? 'DX';
  const child = subject === 'child';
  const view = header.view ?? (child ? 'AP' : 'PA');
  const bodyPart = header.bodyPart ?? film.bodyPart;
  const region = bodyPart.toLowerCase();
  const { patient = {}, order = {}, uids = {} } = header;
  const number = String(seed).padStart(4, '0');
  const requestedProcedureId = order.requestedProcedureId ?? `RP${number}`;
  return {
    '00080005': element('CS', header.characterSet ?? 'ISO_IR 192'),
    '00080008': element('CS', ...(kind === 'SC' ? ['DERIVED', 'SECONDARY'] : ['ORIGINAL', 'PRIMARY'])),
    '00080016': element('UI', SOP_CLASSES[kind]),
    '00080018': element('UI', uids.instance ?? phantomUid('instance', seed, identity)),
    '00080020': element('DA', '20260301'),
    '00080021': element('DA', '20260301'),
    '00080022': element('DA', '20260301'),
    '00080023': element('DA', '20260301'),
    '00080030': element('TM', '101500'),
    '00080031': element('TM', '101600'),
    '00080032': element('TM', '101610'),
    '00080033': element('TM', '101611'),
    '00080050': element('SH', order.accessionNumber ?? `PHA${number}`),
    '00080060': element('CS', kind === 'SC' ? 'CR' : kind),
    '00080070': element('LO', 'Deep Health'),
    '00080080': element('LO', 'Phantom Hospital'),
    '00080090': element('PN', { Alphabetic: 'Referrer^Rita' }),
    '00081010': element('SH', 'PHANTOM-1'),
    '00081030': element('LO', `XR ${region}`),
    '0008103E': element('LO', `${region[0]?.toUpperCase() ?? ''}${region.slice(1)} ${view}`),
    '00081090': element('LO', 'Film phantom'),
    '00100010': element('PN', patientName(patient.name ?? (child ? 'Phantom^Child' : 'Phantom^Adult'))),
    '00100020': element('LO', patient.id ?? `PHANTOM-${number}`),
    '00100030': element('DA', patient.birthDate ?? (child ? '20220214' : '19610905')),
    '00100040': element('CS', patient.sex ?? (seed % 2 === 0 ? 'F' : 'M')),
    '00101010': element('AS', patient.age ?? (child ? '004Y' : '064Y')),
    '00180015': element('CS', bodyPart),
    '0020000D': element('UI', uids.study ?? phantomUid('study', seed)),
    '0020000E': element('UI', uids.series ?? phantomUid('series', seed, kind)),
    '00200010': element('SH', `S${number}`),
    '00200011': element('IS', '1'),
    '00200013': element('IS', String(header.instanceNumber ?? 1)),
    '00200020': element('CS', 'L', 'F'),
    '00400275': element('SQ', {
      ...(order.placerOrderNumber && { '00402016': element('LO', order.placerOrderNumber) }),
      ...(order.fillerOrderNumber && { '00402017': element('LO', order.fillerOrderNumber) }),
      '00401001': element('SH', requestedProcedureId),
      '00400007': element('LO', `XR ${region}`),
      '00400009': element('SH', `SPS${number}`),
    }),
    ...(kind === 'DX' ? dxAttributes(view, bodyPart) : {}),
    ...(kind === 'CR' ? crAttributes(view, bodyPart) : {}),
    ...(kind === 'SC' ? { '00080064': element('CS', 'DF') } : {}),
  };
}

function dxAttributes(view: string, bodyPart: string): DicomDataset {
  const viewCode = VIEW_CODES[view];
  const region = REGION_CODES[bodyPart];
  return {
    '00080068': element('CS', 'FOR PRESENTATION'),
    '00082218': element('SQ', ...(region === undefined ? [] : [code(...region)])),
    '00181508': element('CS', 'NONE'),
    '00185101': element('CS', view),
    '00187004': element('CS', 'DIRECT'),
    '00200062': element('CS', 'U'),
    '00280301': element('CS', 'NO'),
    '00282110': element('CS', '00'),
    '00400555': element('SQ'),
    '00540220': element('SQ', ...(viewCode === undefined ? [] : [code(...viewCode)])),
  };
}

function crAttributes(view: string, bodyPart: string): DicomDataset {
  return { '00181401': element('LO', bodyPart), '00185101': element('CS', view) };
}

function code(value: string, meaning: string): DicomDataset {
  return {
    '00080100': element('SH', value),
    '00080102': element('SH', 'SCT'),
    '00080104': element('LO', meaning),
  };
}

function patientName(name: string | PersonName): PersonName {
  if (typeof name !== 'string') return name;
  const [Alphabetic = '', Ideographic, Phonetic] = name.split('=');
  return {
    Alphabetic,
    ...(Ideographic !== undefined && { Ideographic }),
    ...(Phonetic !== undefined && { Phonetic }),
  };
}

/** One attribute. */
export function element(vr: string, ...Value: DicomValue[]): DicomElement {
  return { vr, Value };
}

/** A UID under 2.25 (PS3.5 B.2) hashed from a name. */
function phantomUid(...name: (string | number)[]): string {
  const digest = createHash('sha256')
    .update(['deep-health phantom', ...name].join('\0'))
    .digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  return `2.25.${BigInt(`0x${digest.subarray(0, 16).toString('hex')}`)}`;
}
