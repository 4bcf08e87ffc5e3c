import {
  type DicomDataset,
  items,
  number,
  type PersonName,
  text,
  texts,
  values,
} from '../../dicom/dataset.ts';

/** A content item of a Structured Report (PS3.3 C.17.3) as text for people. */
export interface SrItem {
  /** Relationship to the item above (`CONTAINS`, `HAS OBS CONTEXT`, ...); null for the root. */
  readonly relationship: string | null;
  /** Value Type: CONTAINER, TEXT, CODE, NUM, ... */
  readonly type: string;
  /** Meaning of the Concept Name. */
  readonly name: string | null;
  readonly value: string | null;
  /** `value scheme` of a coded value. */
  readonly code: string | null;
  readonly items: readonly SrItem[];
}

export interface SrDocument {
  readonly title: string | null;
  /** Completion and verification as the header says. */
  readonly completion: string | null;
  readonly verification: string | null;
  readonly preliminary: string | null;
  readonly root: SrItem;
}

const DEEPEST = 24;
const MOST = 4000;

/**
 * The content tree of a report. Tolerant: what an item lacks stays null, a tree that is too deep or too large
 * is cut off.
 *
 * @param shows whether persons are named
 */
export function srDocument(dataset: DicomDataset, shows: { readonly patient: boolean }): SrDocument {
  let left = MOST;
  function item(content: DicomDataset, depth: number): SrItem {
    left -= 1;
    const children: SrItem[] = [];
    if (depth < DEEPEST) {
      for (const child of items(content, '0040A730')) {
        if (left <= 0) break;
        children.push(item(child, depth + 1));
      }
    }
    const type = text(content, '0040A040') ?? (content['0040DB73'] ? 'BY REFERENCE' : 'CONTAINER');
    return {
      relationship: text(content, '0040A010') ?? null,
      type,
      name: meaning(items(content, '0040A043')[0]),
      ...shownValue(content, type, shows.patient),
      items: children,
    };
  }
  const root = item(dataset, 0);
  return {
    title: root.name,
    completion: text(dataset, '0040A491') ?? null,
    verification: text(dataset, '0040A493') ?? null,
    preliminary: text(dataset, '0040A496') ?? null,
    root,
  };
}

function shownValue(content: DicomDataset, type: string, patient: boolean): Pick<SrItem, 'value' | 'code'> {
  const plain = (value: string | undefined) => ({ value: value ?? null, code: null });
  switch (type) {
    case 'TEXT':
      return plain(text(content, '0040A160'));
    case 'CODE': {
      const [code] = items(content, '0040A168');
      return { value: meaning(code), code: codeOf(code) };
    }
    case 'NUM': {
      const [measured] = items(content, '0040A300');
      if (measured === undefined) return plain(meaning(items(content, '0040A301')[0]) ?? undefined);
      const [unit] = items(measured, '004008EA');
      const amount = text(measured, '0040A30A');
      const shown = unitOf(unit);
      return plain(shown === null ? amount : `${amount ?? ''} ${shown}`);
    }
    case 'PNAME':
      return plain(patient ? personIn(content) : 'not shown');
    case 'DATE':
      return plain(text(content, '0040A121'));
    case 'TIME':
      return plain(text(content, '0040A122'));
    case 'DATETIME':
      return plain(text(content, '0040A120'));
    case 'UIDREF':
      return plain(text(content, '0040A124'));
    case 'IMAGE':
    case 'COMPOSITE': {
      const [reference] = items(content, '00081199');
      return plain(reference && text(reference, '00081155'));
    }
    case 'SCOORD': {
      const points = (content['00700022']?.Value?.length ?? 0) / 2;
      const graphic = text(content, '00700023') ?? 'graphic';
      return plain(`${graphic.toLowerCase()}, ${number(content, '00700021') ?? points} points`);
    }
    case 'BY REFERENCE':
      return plain(`item ${texts(content, '0040DB73').join('.')}`);
    default:
      return plain(undefined);
  }
}

function meaning(code: DicomDataset | undefined): string | null {
  if (code === undefined) return null;
  return text(code, '00080104') ?? text(code, '00080100') ?? null;
}

/** A unit as it is written behind a number: UCUM's own sign; nothing for the unit 1. */
function unitOf(code: DicomDataset | undefined): string | null {
  if (code === undefined) return null;
  const sign = text(code, '00080102') === 'UCUM' ? text(code, '00080100') : undefined;
  if (sign === '1') return null;
  // What stands in braces is a remark, not a unit (UCUM 2.3).
  return sign?.replace(/^\{(.*)\}$/, '$1') ?? meaning(code);
}

function codeOf(code: DicomDataset | undefined): string | null {
  if (code === undefined) return null;
  const parts = [text(code, '00080100') ?? text(code, '00080119'), text(code, '00080102')];
  return parts.filter((part) => part !== undefined).join(' ') || null;
}

function personIn(content: DicomDataset): string | undefined {
  const [name] = values(content, '0040A123');
  if (typeof name !== 'object' || name === null || name instanceof Uint8Array) return undefined;
  const { Alphabetic, Ideographic, Phonetic } = name as PersonName;
  return Alphabetic ?? Ideographic ?? Phonetic;
}
