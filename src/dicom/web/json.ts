import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset, DicomElement, DicomValue, PersonName } from '../dataset.ts';

/** What a DICOM JSON document may cost. */
export interface DicomJsonLimits {
  /** Nesting of sequences. */
  readonly depth: number;
  /** Elements and values in all. */
  readonly nodes: number;
}

const DICOM_JSON_LIMITS: DicomJsonLimits = { depth: 32, nodes: 4_000_000 };

const NUMBERS = new Set(['FL', 'FD', 'US', 'SS', 'UL', 'SL']);
const BINARY = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);
/** Blanks have one place only in this, so that a million of them are tried once. */
const BASE64 = /^[A-Za-z\d+/\s]*(?:=[=\s]*)?$/;
const NAME_GROUPS = ['Alphabetic', 'Ideographic', 'Phonetic'] as const;

/**
 * Reads an answer in the DICOM JSON model (PS3.18 F.2): an array of datasets, or the single object some
 * servers give. Nothing at all (an empty body) is no datasets. Strict about what reaches the caller, not
 * about the writer: keys that are not tags, values of the wrong type and members of no meaning are left out;
 * keys may be lower case, a single value may stand without its array, numbers may be strings.
 * BulkDataURI is never followed: such an attribute is present and empty.
 *
 * Throws `web.answer-malformed` where it is no JSON, no dataset, or over a limit.
 */
export function parseDicomJson(
  document: string | Uint8Array,
  limits: DicomJsonLimits = DICOM_JSON_LIMITS,
): DicomDataset[] {
  if (marksIn(document) > limits.nodes) {
    throw new DeepHealthError('web.answer-malformed', 'The answer holds more elements than allowed.');
  }
  const text = typeof document === 'string' ? document : new TextDecoder('utf-8').decode(document);
  if (text.trim() === '') return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the document: it is not kept as a cause.
    throw new DeepHealthError('web.answer-malformed', 'The answer is not JSON.');
  }
  const reader = datasetReader(limits);
  const found: DicomDataset[] = [];
  for (const entry of Array.isArray(parsed) ? parsed : [parsed]) {
    if (!isObject(entry)) {
      throw new DeepHealthError('web.answer-malformed', 'The answer is JSON, but not the DICOM JSON model.');
    }
    found.push(reader(entry, 0));
  }
  return found;
}

/**
 * How many values there can be, at most: three bytes (`[],`) become forty once parsed, so a document within its
 * limit of bytes could still take all memory.
 */
export function marksIn(document: string | Uint8Array): number {
  let marks = 0;
  for (let at = 0; at < document.length; at++) {
    const code = typeof document === 'string' ? document.charCodeAt(at) : document[at];
    if (code === 0x2c || code === 0x5b || code === 0x7b) marks += 1;
  }
  return marks;
}

function datasetReader(limits: DicomJsonLimits): (source: object, depth: number) => DicomDataset {
  let nodes = 0;

  function spend(): void {
    nodes += 1;
    if (nodes > limits.nodes) {
      throw new DeepHealthError('web.answer-malformed', 'The answer holds more elements than allowed.');
    }
  }

  function dataset(source: object, depth: number): DicomDataset {
    if (depth > limits.depth) {
      throw new DeepHealthError('web.answer-malformed', 'The answer is nested deeper than allowed.');
    }
    const result: DicomDataset = {};
    for (const [key, member] of Object.entries(source)) {
      if (!/^[\da-f]{8}$/i.test(key) || !isObject(member)) continue;
      spend();
      result[key.toUpperCase()] = element(member, depth);
    }
    return result;
  }

  function element(source: object, depth: number): DicomElement {
    const members: { vr?: unknown; Value?: unknown; InlineBinary?: unknown } = source;
    const vr = typeof members.vr === 'string' && /^[A-Z]{2}$/.test(members.vr) ? members.vr : 'UN';
    if (BINARY.has(vr)) {
      const bytes = inlineBinary(members.InlineBinary);
      return bytes === undefined ? { vr } : { vr, Value: [bytes] };
    }
    const listed: unknown[] = Array.isArray(members.Value)
      ? members.Value
      : members.Value === undefined || members.Value === null
        ? []
        : [members.Value];
    const values: DicomValue[] = [];
    for (const entry of listed) {
      spend();
      const value = valueFrom(vr, entry, depth);
      if (value !== undefined) values.push(value);
    }
    return values.length === 0 ? { vr } : { vr, Value: values };
  }

  function valueFrom(vr: string, entry: unknown, depth: number): DicomValue | undefined {
    if (vr === 'SQ') return isObject(entry) ? dataset(entry, depth + 1) : undefined;
    if (entry === null) return null;
    if (vr === 'PN') return personName(entry);
    if (NUMBERS.has(vr)) return wireNumber(entry);
    if (typeof entry === 'string') return entry;
    if (typeof entry === 'number') return Number.isFinite(entry) ? entry : undefined;
    return undefined;
  }

  return dataset;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function personName(entry: unknown): PersonName | undefined {
  if (typeof entry === 'string') return { Alphabetic: entry };
  if (!isObject(entry)) return undefined;
  const name: PersonName = {};
  const groups: Record<string, unknown> = { ...entry };
  for (const group of NAME_GROUPS) {
    const text = groups[group];
    if (typeof text === 'string') name[group] = text;
  }
  return name;
}

/** A number, or a number as text; NaN and infinities travel as text (PS3.18 F.2.7). */
function wireNumber(entry: unknown): number | undefined {
  if (typeof entry === 'number') return entry;
  if (typeof entry !== 'string' || entry.trim() === '') return undefined;
  const word = entry.trim();
  if (/^nan$/i.test(word)) return Number.NaN;
  if (/^[+-]?inf(inity)?$/i.test(word)) return word.startsWith('-') ? -Infinity : Infinity;
  const number = Number(word);
  return Number.isNaN(number) ? undefined : number;
}

function inlineBinary(encoded: unknown): Uint8Array | undefined {
  if (typeof encoded !== 'string' || !BASE64.test(encoded)) return undefined;
  return new Uint8Array(Buffer.from(encoded, 'base64'));
}

/**
 * The DICOM JSON model of a dataset (PS3.18 F.2), ready for `JSON.stringify`: tags ascending, bytes as
 * InlineBinary, no group lengths and no group 0002, numbers that JSON has no form for as text.
 */
export function toDicomJson(dataset: DicomDataset): Record<string, object> {
  const result: Record<string, object> = {};
  for (const tag of Object.keys(dataset).sort()) {
    const element = dataset[tag];
    if (element === undefined || tag.startsWith('0002') || tag.endsWith('0000')) continue;
    result[tag] = elementToJson(element);
  }
  return result;
}

function elementToJson({ vr, Value }: DicomElement): object {
  if (Value === undefined || Value.length === 0) return { vr };
  const [first] = Value;
  if (first instanceof Uint8Array) return { vr, InlineBinary: Buffer.from(first).toString('base64') };
  return { vr, Value: Value.map((value) => valueToJson(vr, value)) };
}

function valueToJson(vr: string, value: DicomValue): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value).replace('Infinity', 'inf');
  if (vr === 'SQ' && typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    return toDicomJson(value as DicomDataset);
  }
  return value;
}
