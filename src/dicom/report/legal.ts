/**
 * Values as the standard allows them (PS3.5 6.2). Archives hold values that are too long or have characters
 * that a VR forbids; a report that copied them would be refused by the next system.
 */

import { withoutEnd } from '../../text/without-end.ts';
import type { DicomValue, PersonName } from '../dataset.ts';

/** What becomes of text that is longer than its VR: descriptions are cut, identifiers left out. */
export type WhenLong = 'cut' | 'omit';

/** A legal value; `changed` when it is not what the film held in every character. */
export interface LegalValue {
  readonly value: string | PersonName;
  readonly changed: boolean;
}

/** Longest value in characters; UT and UC are bounded only by what a receiver can bear. */
const MAX_LENGTH: Readonly<Record<string, number>> = {
  AE: 16,
  CS: 16,
  LO: 64,
  LT: 10240,
  SH: 16,
  ST: 1024,
  UC: 1024,
  UI: 64,
  UT: 65536,
};
const PARAGRAPHS = new Set(['LT', 'ST', 'UT']);

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/**
 * The value as its VR allows it, or null when nothing legal can be made of it. Characters are counted, not
 * bytes. An identifier is never cut or mended: a part of it could name someone else.
 */
export function legalValue(vr: string, value: DicomValue, whenLong: WhenLong): LegalValue | null {
  if (vr === 'PN') return legalName(value, whenLong);
  const given = typeof value === 'number' ? String(value) : value;
  if (typeof given !== 'string') return null;
  const made = legalText(vr, given, whenLong);
  return made === null || made === '' ? null : { value: made, changed: made !== given.trim() };
}

function legalText(vr: string, given: string, whenLong: WhenLong): string | null {
  const value = given.trim();
  switch (vr) {
    case 'DA':
      return legalDate(value);
    case 'TM':
      return legalTime(value);
    case 'AS':
      return /^\d{1,3}[DWMY]$/.test(value) ? value.padStart(4, '0') : null;
    case 'CS':
      return /^[A-Z0-9 _]{1,16}$/.test(value.toUpperCase()) ? value.toUpperCase() : null;
    case 'UI':
      return value.length <= 64 && /^\d+(\.\d+)+$/.test(value) ? value : null;
    case 'DS':
      return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value) && value.length <= 16 ? value : null;
    case 'IS':
      return /^[+-]?\d{1,11}$/.test(value) && Math.abs(Number(value)) <= 2 ** 31 ? value : null;
    default:
      return legalString(vr, value, whenLong);
  }
}

function legalString(vr: string, value: string, whenLong: WhenLong): string | null {
  const max = MAX_LENGTH[vr];
  if (max === undefined) return null;
  const paragraph = PARAGRAPHS.has(vr);
  const clean = withoutControls(value, paragraph ? 'lines' : 'none').trim();
  const plain = paragraph ? clean : clean.replaceAll('\\', '/');
  if (whenLong === 'omit' && (plain !== value || [...plain].length > max)) return null;
  return cut(plain, max);
}

/** Old ACR-NEMA dates (2026.03.01) become DA; anything else that is no day of the calendar is refused. */
function legalDate(value: string): string | null {
  const match = /^(\d{4})([.]?)(\d{2})\2(\d{2})$/.exec(value);
  if (match === null) return null;
  const [, year = '', , month = '', day = ''] = match;
  const instant = new Date(`${year}-${month}-${day}T00:00:00Z`);
  const real = !Number.isNaN(instant.getTime()) && instant.getUTCDate() === Number(day);
  return real ? `${year}${month}${day}` : null;
}

/** HH, HHMM, HHMMSS, HHMMSS.F up to six digits, and the old form with colons. */
function legalTime(value: string): string | null {
  const match = /^(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,6})\d*)?)?)?$/.exec(value);
  if (match === null) return null;
  const [, hour = '', minute = '', second = '', fraction] = match;
  if (Number(hour) > 23 || Number(minute || 0) > 59 || Number(second || 0) > 60) return null;
  return `${hour}${minute}${second}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** Each component group at most 64 characters and five components (PS3.5 6.2.1). */
function legalName(value: DicomValue, whenLong: WhenLong): LegalValue | null {
  const name = parseName(value);
  if (name === null) return null;
  let changed = false;
  const group = (part: string | undefined): string => {
    const given = (part ?? '').trim();
    const components = withoutControls(given, 'none').replaceAll('\\', '/').replaceAll('=', ' ').split('^');
    const five = [...components.slice(0, 4), components.slice(4).join(' ')].slice(0, components.length);
    const legal = withoutEnd(cut(five.join('^'), 64), '^ ');
    if (legal !== withoutEnd(given, '^ ')) changed = true;
    return legal;
  };
  const made: PersonName = {};
  const [alphabetic, ideographic, phonetic] = [name.Alphabetic, name.Ideographic, name.Phonetic].map(group);
  if (alphabetic) made.Alphabetic = alphabetic;
  if (ideographic) made.Ideographic = ideographic;
  if (phonetic) made.Phonetic = phonetic;
  if (Object.keys(made).length === 0) return null;
  return whenLong === 'omit' && changed ? null : { value: made, changed };
}

/** A name as an object; some sources give it as text with its groups split by `=`. */
export function parseName(value: DicomValue | undefined): PersonName | null {
  if (typeof value === 'string') {
    const [alphabetic = '', ideographic = '', phonetic = ''] = value.split('=');
    return { Alphabetic: alphabetic, Ideographic: ideographic, Phonetic: phonetic };
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return null;
  const { Alphabetic, Ideographic, Phonetic } = value as Record<string, unknown>;
  const name: PersonName = {};
  if (typeof Alphabetic === 'string') name.Alphabetic = Alphabetic;
  if (typeof Ideographic === 'string') name.Ideographic = Ideographic;
  if (typeof Phonetic === 'string') name.Phonetic = Phonetic;
  return name;
}

/**
 * Text without control characters: each run becomes a blank. `lines` keeps line ends (as CR LF, PS3.5 6.1.3)
 * and form feeds. Halves of surrogate pairs become U+FFFD.
 */
export function withoutControls(value: string, keep: 'lines' | 'none'): string {
  const whole = value.toWellFormed();
  const lines = keep === 'lines' ? whole.split(/\r\n|\r|\n/) : [whole];
  return lines.map((line) => line.replace(/\p{Cc}+/gu, ' ')).join('\r\n');
}

/**
 * The longest beginning of at most `max` characters that ends between two characters as people see them. What
 * has to be cut is cut to as many bytes of UTF-8, too: some receivers (and dciodvfy) count those. A text that
 * is short enough is left whole, whatever its bytes.
 */
export function cut(value: string, max: number): string {
  return value.length <= max || [...value].length <= max ? value : fitted(value, max);
}

/** The longest beginning within `max` characters and `max` bytes of UTF-8. */
export function fitted(value: string, max: number): string {
  if (value.length <= max && Buffer.byteLength(value) <= max) return value;
  // Segmenting is slow on megabytes; nothing behind this can be part of the result.
  const head = value.slice(0, max + 64);
  let kept = '';
  for (const { segment } of graphemes.segment(head)) {
    if (Buffer.byteLength(kept) + Buffer.byteLength(segment) > max) break;
    kept += segment;
  }
  return kept.trimEnd();
}
