import { type DicomDataset, items, number, text } from '../dataset.ts';

/** Failure and warning reasons of a Store Instances Response (PS3.18 I.2.2, PS3.4 B.2.3, PS3.7 C). */
export const REASON = {
  processingFailure: 0x0110,
  duplicate: 0x0111,
  classUnsupported: 0x0122,
  outOfResources: 0xa700,
  classMismatch: 0xa900,
  cannotUnderstand: 0xc000,
  transferSyntax: 0xc122,
} as const;

/** One instance that a Store Instances Response names. */
export interface NamedInstance {
  readonly sopClassUid?: string;
  readonly sopInstanceUid?: string;
  /** Failure Reason (0008,1197) or Warning Reason (0008,1196). */
  readonly reason?: number;
}

/** What a Store Instances Response says. */
export interface StoreResponse {
  /** Referenced SOP Sequence (0008,1199): stored, with a reason where there is a warning. */
  readonly stored: readonly NamedInstance[];
  /** Failed SOP Sequence (0008,1198). */
  readonly failed: readonly NamedInstance[];
  /** Other Failures Sequence (0008,119A): parts that are no instances. */
  readonly otherFailures: readonly NamedInstance[];
}

/** Reads a Store Instances Response Module. */
export function readStoreResponse(dataset: DicomDataset): StoreResponse {
  return {
    stored: items(dataset, '00081199').map((item) => named(item, '00081196')),
    failed: items(dataset, '00081198').map((item) => named(item, '00081197')),
    otherFailures: items(dataset, '0008119A').map((item) => named(item, '00081197')),
  };
}

function named(item: DicomDataset, reasonTag: string): NamedInstance {
  const sopClassUid = text(item, '00081150');
  const sopInstanceUid = text(item, '00081155');
  const reason = number(item, reasonTag);
  return {
    ...(sopClassUid === undefined ? {} : { sopClassUid }),
    ...(sopInstanceUid === undefined ? {} : { sopInstanceUid }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/**
 * Writes a Store Instances Response Module. Retrieve URL is there and empty (type 2): nothing can be
 * retrieved from us. Sequences without items are left out.
 */
export function writeStoreResponse(response: StoreResponse): DicomDataset {
  const dataset: DicomDataset = { '00081190': { vr: 'UR' } };
  const sequences = [
    ['00081198', response.failed, '00081197'],
    ['00081199', response.stored, '00081196'],
    ['0008119A', response.otherFailures, '00081197'],
  ] as const;
  for (const [tag, instances, reasonTag] of sequences) {
    if (instances.length === 0) continue;
    dataset[tag] = { vr: 'SQ', Value: instances.map((instance) => item(instance, reasonTag)) };
  }
  return dataset;
}

function item(instance: NamedInstance, reasonTag: string): DicomDataset {
  const dataset: DicomDataset = {};
  if (instance.sopClassUid !== undefined) dataset['00081150'] = { vr: 'UI', Value: [instance.sopClassUid] };
  if (instance.sopInstanceUid !== undefined) {
    dataset['00081155'] = { vr: 'UI', Value: [instance.sopInstanceUid] };
  }
  if (instance.reason !== undefined) dataset[reasonTag] = { vr: 'US', Value: [instance.reason] };
  return dataset;
}
