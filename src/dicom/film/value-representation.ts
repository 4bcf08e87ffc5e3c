import { createRequire } from 'node:module';
import type Dcmjs from 'dcmjs';

/** How the value field of a VR is laid out (PS3.5 6.2). */
export type Layout =
  | {
      readonly kind: 'text';
      readonly charset: boolean;
      readonly multiple: boolean;
      readonly leading: boolean;
    }
  | { readonly kind: 'name' }
  | { readonly kind: 'numbers'; readonly bytes: 2 | 4 | 8; readonly read: NumberReader }
  | { readonly kind: 'tags' }
  | { readonly kind: 'bytes'; readonly word: 1 | 2 | 4 | 8 }
  | { readonly kind: 'sequence' };

type NumberReader = (view: DataView, at: number, little: boolean) => number | string;

/** Text of the default repertoire: leading spaces mean nothing. */
const plainText: Layout = { kind: 'text', charset: false, multiple: true, leading: false };
const shortText: Layout = { kind: 'text', charset: true, multiple: true, leading: false };
/** One value whose backslashes and leading spaces are its own. */
const longText: Layout = { kind: 'text', charset: true, multiple: false, leading: true };

function numeric(bytes: 2 | 4 | 8, read: NumberReader): Layout {
  return { kind: 'numbers', bytes, read };
}

/** 64-bit integers are numbers while they are exact, else decimal text (as the DICOM JSON model allows). */
function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  AE: plainText,
  AS: plainText,
  AT: { kind: 'tags' },
  CS: plainText,
  DA: plainText,
  DS: plainText,
  DT: plainText,
  FD: numeric(8, (view, at, little) => view.getFloat64(at, little)),
  FL: numeric(4, (view, at, little) => view.getFloat32(at, little)),
  IS: plainText,
  LO: shortText,
  LT: longText,
  OB: { kind: 'bytes', word: 1 },
  OD: { kind: 'bytes', word: 8 },
  OF: { kind: 'bytes', word: 4 },
  OL: { kind: 'bytes', word: 4 },
  OV: { kind: 'bytes', word: 8 },
  OW: { kind: 'bytes', word: 2 },
  PN: { kind: 'name' },
  SH: shortText,
  SL: numeric(4, (view, at, little) => view.getInt32(at, little)),
  SQ: { kind: 'sequence' },
  SS: numeric(2, (view, at, little) => view.getInt16(at, little)),
  ST: longText,
  SV: numeric(8, (view, at, little) => exact(view.getBigInt64(at, little))),
  TM: plainText,
  UC: shortText,
  UI: plainText,
  UL: numeric(4, (view, at, little) => view.getUint32(at, little)),
  UN: { kind: 'bytes', word: 1 },
  UR: { kind: 'text', charset: false, multiple: false, leading: false },
  US: numeric(2, (view, at, little) => view.getUint16(at, little)),
  UT: longText,
  UV: numeric(8, (view, at, little) => exact(view.getBigUint64(at, little))),
};

/** VRs whose explicit length has 32 bits behind two reserved bytes (PS3.5 7.1.2). */
const LONG_LENGTH = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);

/** The layout of a VR; undefined when there is no such VR. */
export function layoutOf(vr: string): Layout | undefined {
  return LAYOUTS[vr];
}

/** Whether the explicit length of this VR has 32 bits. */
export function hasLongLength(vr: string): boolean {
  return LONG_LENGTH.has(vr);
}

type Dictionary = typeof Dcmjs.data.DicomMetaDictionary.dictionary;
let loaded: Dictionary | undefined;

/** The data dictionary, loaded when the first file asks for it: most say their VRs, and it takes a while. */
function dictionary(): Dictionary {
  if (loaded === undefined) {
    const dcmjs = createRequire(import.meta.url)('dcmjs') as typeof Dcmjs;
    loaded = dcmjs.data.DicomMetaDictionary.dictionary;
  }
  return loaded;
}

/**
 * The VR that the data dictionary (PS3.6) gives a tag, for files that do not say it. Where it leaves a choice
 * the words decide: `US` for what is US or SS, `OW` for LUT data and pixels.
 * @returns `UN` for private and unknown tags.
 */
export function dictionaryVr(tag: string): string {
  const group = tag.slice(0, 4);
  const element = tag.slice(4);
  if (element === '0000') return 'UL';
  if (Number.parseInt(group, 16) % 2 === 1) {
    return element >= '0010' && element <= '00FF' && element.startsWith('00') ? 'LO' : 'UN';
  }
  const repeating = group.startsWith('60') || group.startsWith('50') ? `${group.slice(0, 2)}00` : group;
  const entry = dictionary()[`(${repeating},${element})`];
  const vr = entry?.vr ?? 'UN';
  if (vr === 'xs') return 'US';
  if (vr === 'ox' || vr === 'lt') return 'OW';
  return layoutOf(vr) === undefined ? 'UN' : vr;
}
