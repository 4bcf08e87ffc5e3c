import { type DicomDataset, type DicomValue, items, values } from '../dataset.ts';
import type { Remark } from '../film/film.ts';
import { codeItem, element } from './encode.ts';
import { legalValue, type WhenLong } from './legal.ts';
import { codesOf } from './procedure.ts';

/** Values of an attribute, and items of a sequence, that a report takes over: more say nothing about an examination. */
export const MOST_COPIED = 100;

/** How one attribute of the film is copied into a report (type as in PS3.3: 1, 2 or 3). */
export interface CopyRule {
  readonly tag: string;
  /** DICOM keyword, named in remarks. */
  readonly keyword: string;
  readonly vr: string;
  readonly type: 1 | 2 | 3;
  /** `omit` for identifiers, which are taken whole or not at all. Default `cut`. */
  readonly whenLong?: WhenLong;
  /** The only values allowed. */
  readonly terms?: readonly string[];
  /** More than one value allowed. */
  readonly multiple?: true;
  /** Attributes of a sequence's items; `codes` for a code sequence. */
  readonly items?: readonly CopyRule[] | 'codes';
}

/** What was copied and what had to be changed or left out. */
export interface Copied {
  readonly dataset: DicomDataset;
  readonly remarks: readonly Remark[];
  /** A type 1 attribute had no usable value: the module or item cannot be written. */
  readonly incomplete: boolean;
}

/**
 * Copies attributes value by value. An attribute that the film lacks or has empty becomes empty when its type
 * is 2, and is left out when it is 3; values are made legal or, where that cannot be, treated as lacking,
 * each with a remark that names the attribute and never its value.
 */
export function copyAttributes(film: DicomDataset, rules: readonly CopyRule[]): Copied {
  const dataset: DicomDataset = {};
  const remarks: Remark[] = [];
  let incomplete = false;
  for (const rule of rules) {
    const copied = rule.vr === 'SQ' ? copySequence(film, rule, remarks) : copyValues(film, rule, remarks);
    if (copied.length > 0) dataset[rule.tag] = element(rule.vr, ...copied);
    else if (rule.type === 2) dataset[rule.tag] = element(rule.vr);
    else if (rule.type === 1) incomplete = true;
  }
  return { dataset, remarks, incomplete };
}

function copyValues(film: DicomDataset, rule: CopyRule, remarks: Remark[]): DicomValue[] {
  const whenLong = rule.whenLong ?? 'cut';
  const given = values(film, rule.tag).filter((value) => value !== null && value !== '');
  const single = rule.multiple ? firstOf(given) : oneOf(given, whenLong);
  if (single !== given) remarks.push(single.length === 0 ? leftOut(rule) : changed(rule));
  const copied: DicomValue[] = [];
  for (const value of single) {
    if (typeof value === 'string' && value.trim() === '') continue;
    const legal = legalValue(rule.vr, value, whenLong);
    const allowed = legal !== null && (rule.terms === undefined || rule.terms.includes(String(legal.value)));
    if (!allowed) {
      if (!isEmptyName(value)) remarks.push(leftOut(rule));
      continue;
    }
    if (legal.changed) remarks.push(changed(rule));
    copied.push(legal.value);
  }
  return copied;
}

/**
 * One value where the film has several: a backslash inside a text splits it on parsing, so a description is
 * put together again, of names the first counts, and an identifier is not guessed at.
 */
function oneOf(given: DicomValue[], whenLong: WhenLong): DicomValue[] {
  if (given.length < 2) return given;
  if (whenLong === 'omit') return [];
  return given.every((value) => typeof value === 'string') ? [given.join('/')] : given.slice(0, 1);
}

function isEmptyName(value: DicomValue): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((group) => typeof group === 'string' && group.replace(/[\^ ]/g, '') === '')
  );
}

function copySequence(film: DicomDataset, rule: CopyRule, remarks: Remark[]): DicomDataset[] {
  if (rule.items === undefined) return [];
  const all = items(film, rule.tag);
  const given = firstOf(all);
  if (given !== all) remarks.push(changed(rule));
  if (rule.items === 'codes') {
    const codes = codesOf({ [rule.tag]: { vr: 'SQ', Value: given } }, rule.tag);
    if (codes.length < given.length) remarks.push(leftOut(rule));
    return codes.map(codeItem);
  }
  const copied: DicomDataset[] = [];
  for (const item of given) {
    const { dataset, remarks: inner, incomplete } = copyAttributes(item, rule.items);
    remarks.push(...inner);
    // An entity's UID and the kind of UID come together (PS3.3 10.17).
    if ((dataset['00400032'] === undefined) !== (dataset['00400033'] === undefined)) {
      delete dataset['00400032'];
      delete dataset['00400033'];
    }
    if (incomplete || Object.keys(dataset).length === 0) remarks.push(leftOut(rule));
    else copied.push(dataset);
  }
  return copied;
}

/** The very list where it is not too long. */
function firstOf<Value>(given: Value[]): Value[] {
  return given.length <= MOST_COPIED ? given : given.slice(0, MOST_COPIED);
}

/** The remark on an attribute that could not be copied. */
export function leftOut({ keyword }: CopyRule): Remark {
  return {
    code: 'header.left-out',
    message: `${keyword} of the film breaks the standard and was left out of the report.`,
  };
}

function changed({ keyword }: CopyRule): Remark {
  return {
    code: 'header.changed',
    message: `${keyword} of the film breaks the standard and was shortened or mended in the report.`,
  };
}
