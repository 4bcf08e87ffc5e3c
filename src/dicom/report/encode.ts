import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset, DicomElement, DicomValue } from '../dataset.ts';
import type { Code } from './codes.ts';
import {
  type ContainerItem,
  type ContentChild,
  type ContentItem,
  type SopReference,
  walk,
} from './content.ts';

/** The SR classes that are written: each allows the value types of the one before and more. */
export const SR_CLASSES = {
  'basic-text': '1.2.840.10008.5.1.4.1.1.88.11',
  comprehensive: '1.2.840.10008.5.1.4.1.1.88.33',
  'comprehensive-3d': '1.2.840.10008.5.1.4.1.1.88.34',
} as const;
export type SrClass = keyof typeof SR_CLASSES;

/** Value types that Basic Text SR lacks (PS3.3 A.35.1.3.1.1). */
const NOT_IN_BASIC_TEXT = new Set<ContentItem['valueType']>(['NUM', 'SCOORD']);

/** An attribute with its values; none for an empty one. */
export function element(vr: string, ...values: readonly DicomValue[]): DicomElement {
  return values.length === 0 ? { vr } : { vr, Value: [...values] };
}

/** One item of a code sequence (PS3.3 table 8.8-1); a long value goes into LongCodeValue. */
export function codeItem({ value, scheme, meaning, version }: Code): DicomDataset {
  return {
    ...(value.length > 16 ? { '00080119': element('UC', value) } : { '00080100': element('SH', value) }),
    '00080102': element('SH', scheme),
    ...(version === undefined ? {} : { '00080103': element('SH', version) }),
    '00080104': element('LO', meaning),
  };
}

/** An item of a Referenced SOP Sequence (PS3.3 table 10-11). */
export function sopItem({ sopClassUid, sopInstanceUid }: SopReference): DicomDataset {
  return { '00081150': element('UI', sopClassUid), '00081155': element('UI', sopInstanceUid) };
}

/**
 * The SR Document Content module (PS3.3 C.17.3) of a tree. Throws `report.content-invalid` when the SR class
 * does not know a value type of the tree.
 */
export function encodeTree(root: ContainerItem, srClass: SrClass): DicomDataset {
  if (srClass === 'basic-text') {
    for (const { valueType } of walk(root)) {
      if (NOT_IN_BASIC_TEXT.has(valueType)) {
        throw new DeepHealthError('report.content-invalid', `Basic Text SR has no ${valueType} items.`);
      }
    }
  }
  return encodeItem(root);
}

function encodeItem(item: ContentItem): DicomDataset {
  const children = item.children.map((child: ContentChild) => ({
    '0040A010': element('CS', child.relationship),
    ...encodeItem(child.item),
  }));
  return {
    '0040A040': element('CS', item.valueType),
    ...(item.name === null ? {} : { '0040A043': element('SQ', codeItem(item.name)) }),
    ...encodeValue(item),
    ...(children.length === 0 ? {} : { '0040A730': element('SQ', ...children) }),
  };
}

function encodeValue(item: ContentItem): DicomDataset {
  switch (item.valueType) {
    case 'CONTAINER':
      return {
        '0040A050': element('CS', 'SEPARATE'),
        ...(item.template === null ? {} : { '0040A504': element('SQ', templateItem(item.template)) }),
      };
    case 'TEXT':
      return { '0040A160': element('UT', item.value) };
    case 'CODE':
      return { '0040A168': element('SQ', codeItem(item.value)) };
    case 'NUM':
      return {
        '0040A300': element('SQ', {
          '004008EA': element('SQ', codeItem(item.unit)),
          '0040A30A': element('DS', item.value),
        }),
      };
    case 'DATE':
      return { '0040A121': element('DA', item.value) };
    case 'TIME':
      return { '0040A122': element('TM', item.value) };
    case 'UIDREF':
      return { '0040A124': element('UI', item.value) };
    case 'IMAGE':
      return { '00081199': element('SQ', sopItem(item.value)) };
    case 'SCOORD':
      return {
        '00700022': element('FL', ...item.value.flat()),
        '00700023': element('CS', 'POLYLINE'),
      };
  }
}

function templateItem(identifier: string): DicomDataset {
  return {
    '00080105': element('CS', 'DCMR'),
    '00080118': element('UI', '1.2.840.10008.8.1.1'),
    '0040DB00': element('CS', identifier),
  };
}

/** Every instance the tree names, each once, in the order of the tree. */
export function referencesOf(root: ContainerItem): SopReference[] {
  const found = new Map<string, SopReference>();
  for (const item of walk(root)) {
    if (item.valueType === 'IMAGE') found.set(item.value.sopInstanceUid, item.value);
  }
  return [...found.values()];
}

/** Every coding scheme designator that a dataset uses, sorted. */
export function schemesOf(dataset: DicomDataset): string[] {
  const found = new Set<string>();
  const visit = (part: DicomDataset): void => {
    for (const [tag, { vr, Value = [] }] of Object.entries(part)) {
      const [first] = Value;
      if (tag === '00080102' && typeof first === 'string') found.add(first);
      if (vr === 'SQ') for (const item of Value) visit(item as DicomDataset);
    }
  };
  visit(dataset);
  return [...found].sort();
}
