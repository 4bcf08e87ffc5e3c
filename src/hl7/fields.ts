import type { PersonName } from '../dicom/dataset.ts';
import type { Remark } from '../dicom/film/film.ts';
import type { Code } from '../dicom/report/codes.ts';
import { cut } from '../dicom/report/legal.ts';
import { DeepHealthError } from '../errors/error.ts';
import { withoutEnd } from '../text/without-end.ts';
import type { TextEncoding } from './charset.ts';
import { escaped, escapedLines, type LineBreak } from './escape.ts';

/** Longest identifier and longest single-line text that are sent. */
const MAX_IDENTIFIER = 250;
const MAX_TEXT = 250;
const MAX_PARAGRAPH = 32_768;

/** Primitive values of one message, fitted to its character set and escaped. */
export interface Primitives {
  /** Free text of one line; cut when longer than 250 characters. */
  readonly text: (value: string) => string;
  /** Free text of several lines; cut when longer than 32,768 characters. */
  readonly paragraph: (value: string) => string;
  /**
   * An identifier, taken whole or not at all (empty): one of more than 250 characters, one with control
   * characters and one of several values could name someone else once it was mended. Throws
   * `hl7.identifier-unencodable`.
   */
  readonly identifier: (value: string | readonly string[] | undefined) => string;
  /** Whether a text can be sent without replacing a character. */
  readonly covers: (value: string) => boolean;
  /** What was cut, left out or replaced so far. */
  readonly remarks: readonly Remark[];
}

export function primitives(encoding: TextEncoding, lineBreak: LineBreak): Primitives {
  const remarks = new Map<string, Remark>();
  const note = (code: string, message: string): void => {
    remarks.set(code, { code, message });
  };
  const fitted = (value: string, max: number): string => {
    const short = cut(value, max);
    if (short !== value) note('hl7.cut', 'A text was too long for its field and was cut.');
    const fit = encoding.fit(short);
    if (fit !== short) {
      note('hl7.substituted', 'Characters that the character set of the message lacks were replaced.');
    }
    return fit;
  };
  return {
    text: (value) => escaped(fitted(value.trim(), MAX_TEXT)),
    paragraph: (value) => escapedLines(fitted(value.trim(), MAX_PARAGRAPH), lineBreak),
    identifier: (value = '') => {
      const given = typeof value === 'string' ? [value] : value;
      const [whole = '', ...others] = given.map((one) => one.trim()).filter((one) => one !== '');
      if (others.length > 0 || whole.length > MAX_IDENTIFIER || /\p{Cc}/u.test(whole)) {
        note('hl7.left-out', 'An identifier that is too long or not one line of text was left out.');
        return '';
      }
      if (!encoding.covers(whole)) throw new DeepHealthError('hl7.identifier-unencodable');
      return escaped(whole);
    },
    covers: encoding.covers,
    get remarks() {
      return [...remarks.values()];
    },
  };
}

/** Components of a field; empty ones at the end are left out. */
export function components(...parts: readonly string[]): string {
  return withoutEnd(parts.join('^'), '^');
}

/** Subcomponents of a component. */
function subcomponents(...parts: readonly string[]): string {
  return withoutEnd(parts.join('&'), '&');
}

/**
 * A segment from its fields by number (HL7 counts from 1; of MSH, 1 and 2 are the delimiters); fields that
 * are not given stay empty, and empty ones at the end are left out.
 */
export function segment(name: string, fields: Readonly<Record<number, string>>): string {
  const last = Math.max(...Object.keys(fields).map(Number));
  const all = Array.from({ length: last }, (_, index) => fields[index + 1] ?? '');
  const written = name === 'MSH' ? ['MSH', ...all.slice(1)] : [name, ...all];
  return withoutEnd(written.join('|'), '|');
}

/** Designators whose name in HL7 (table 0396) differs from DICOM's. */
const SCHEME_NAMES: ReadonlyMap<string, string> = new Map([['RADLEX', 'RadLex']]);

/** CE or CWE: code, text, coding system. */
export function coded({ value, scheme, meaning }: Code, { text, identifier }: Primitives): string {
  return components(identifier(value), text(meaning), identifier(SCHEME_NAMES.get(scheme) ?? scheme));
}

/** Who assigned an identifier (HD). */
export interface Authority {
  readonly namespace?: string | undefined;
  readonly universalId?: string | undefined;
  readonly universalIdType?: string | undefined;
}

function authorityParts(
  { namespace, universalId, universalIdType }: Authority,
  { identifier }: Primitives,
): string[] {
  return [identifier(namespace), identifier(universalId), identifier(universalIdType)];
}

/** CX: identifier, authority, kind of identifier. */
export function cx(id: readonly string[], authority: Authority, type: string, make: Primitives): string {
  const value = make.identifier(id);
  if (value === '') return '';
  return components(value, '', '', subcomponents(...authorityParts(authority, make)), type);
}

/** EI: identifier, authority. */
export function ei(id: readonly string[], authority: Authority, make: Primitives): string {
  const value = make.identifier(id);
  return value === '' ? '' : components(value, ...authorityParts(authority, make));
}

/**
 * XPN from a DICOM name: prefix and suffix change places, each component group is a repetition with its
 * representation (A, I, P) in component 8. An ideographic or phonetic group that the character set lacks is
 * left out rather than sent as question marks.
 */
export function xpn(name: PersonName, make: Primitives): string {
  const groups = [
    { group: name.Alphabetic, representation: 'A' },
    { group: name.Ideographic, representation: 'I' },
    { group: name.Phonetic, representation: 'P' },
  ];
  return groups
    .flatMap(({ group = '', representation }) => {
      if (group.replace(/[\^ ]/g, '') === '') return [];
      if (representation !== 'A' && !make.covers(group)) return [];
      return [components(...nameParts(group, make), '', 'L', representation)];
    })
    .join('~');
}

/** XCN without an id from the alphabetic group of a DICOM name. */
export function xcn({ Alphabetic = '' }: PersonName, make: Primitives): string {
  const parts = nameParts(Alphabetic, make);
  return parts.every((part) => part === '') ? '' : components('', ...parts);
}

/** Family, given, middle, suffix, prefix. */
function nameParts(group: string, { text }: Primitives): string[] {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = group.split('^').map(text);
  return [family, given, middle, suffix, prefix];
}

/**
 * DTM from DA and TM: precision as given, the fraction cut to four digits, the offset only where there is a
 * time of day.
 */
export function dtm(date: string | null, time: string | null, offset: string | null): string {
  if (date === null) return '';
  if (time === null) return date;
  const [clock = '', fraction] = time.split('.');
  // HL7 has no hour without minutes.
  const digits = clock.padEnd(4, '0');
  return `${date}${digits}${fraction === undefined ? '' : `.${fraction.slice(0, 4)}`}${offset ?? ''}`;
}
