/** Words and numbers as people read them. Pure. */

/** @import { Label, Reading } from '../../../ai/reading.ts' */

/** @type {Readonly<Record<Label, string>>} */
export const LABEL_WORDS = {
  normal: 'Normal',
  'bacterial-pneumonia': 'Bacterial pneumonia',
  'viral-pneumonia': 'Viral pneumonia',
};

/** @type {readonly Label[]} */
export const LABELS = ['normal', 'bacterial-pneumonia', 'viral-pneumonia'];

/** @type {Readonly<Record<string, string>>} */
export const STATE_WORDS = {
  settling: 'Arriving',
  queued: 'Queued',
  reading: 'Being read',
  reported: 'Reported',
  delivered: 'Delivered',
  skipped: 'Skipped',
  failed: 'Failed',
};

/** @type {Readonly<Record<string, string>>} */
export const OBJECT_WORDS = {
  'sr-text': 'Report for people (SR)',
  'sr-air': 'Report for machines (SR, TID 1500)',
  'heat-map': 'Heat map',
  oru: 'HL7 message (ORU)',
};

/** @type {Readonly<Record<string, string>>} */
const EVENT_WORDS = {
  noticed: 'Came to our notice',
  reopened: 'Opened again: new films came',
  conflict: 'Other bytes under a known UID were refused',
  settled: 'Complete, to the queue',
  reread: 'Asked to be read again',
  retried: 'Taken up again',
  claimed: 'Taken by a reader',
  'put-back': 'Put back by the reader',
  'lease-expired': 'The reader went away',
  'attempt-failed': 'An attempt to read it failed',
  reported: 'Read, results made',
  skipped: 'Skipped',
  failed: 'Failed',
  sent: 'Delivered to',
  'delivery-failed': 'Delivery failed to',
  parked: 'Delivery parked for',
  redirected: 'Delivery moved from',
  'look-given-up': 'No longer asked for new films:',
  'given-up': 'Delivery given up for',
  delivered: 'Everything delivered',
  feedback: 'Feedback',
};

/** @param {string} kind */
export function eventWords(kind) {
  return EVENT_WORDS[kind] ?? kind;
}

/**
 * As in the reports: the model knows pneumonia only, so it never calls a film normal.
 *
 * @type {Readonly<Record<Label, string>>}
 */
export const FINDING_WORDS = { ...LABEL_WORDS, normal: 'No sign of pneumonia' };

/**
 * What was found, in a few words.
 *
 * @param {Pick<Reading, 'label' | 'pneumonia'>} reading
 */
export function findingWords({ label, pneumonia }) {
  if (label !== null) return FINDING_WORDS[label];
  return pneumonia === 'present' ? 'Pneumonia, type open' : 'No answer';
}

/**
 * Names of a study's films: those that were read by the numbers that reports give them, the others apart.
 *
 * @param {readonly { readonly selection: { readonly kind: string } | null }[]} films in the order of the ledger
 */
export function filmNames(films) {
  /** @param {{ readonly selection: { readonly kind: string } | null }} film */
  const isLeft = ({ selection }) => selection !== null && selection.kind !== 'read';
  const left = films.filter(isLeft);
  let number = 0;
  return films.map((film) => {
    if (!isLeft(film)) {
      number += 1;
      return `Film ${number}`;
    }
    return left.length === 1 ? 'Not read' : `Not read ${left.indexOf(film) + 1}`;
  });
}

/**
 * How long ago, coarsely.
 *
 * @param {string} iso
 * @param {number} now
 */
export function ago(iso, now) {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}

/** @param {string} iso */
export function moment(iso) {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

/** @param {number} ms */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

/**
 * A DICOM date (YYYYMMDD) with hyphens; anything else as it is.
 *
 * @param {string} date
 */
export function dicomDate(date) {
  return /^\d{8}$/.test(date) ? `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}` : date;
}

/**
 * The end of a UID, which is what tells UIDs of one archive apart.
 *
 * @param {string} uid
 */
export function shortUid(uid) {
  return uid.length <= 18 ? uid : `…${uid.slice(-16)}`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function counted(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}
