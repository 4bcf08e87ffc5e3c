import { DeepHealthError } from '../errors/error.ts';

declare const kind: unique symbol;

/** A Study Instance UID (0020,000D) that was checked by `studyUid`. */
export type StudyUid = string & { readonly [kind]: 'study' };

/** A SOP Instance UID (0008,0018) that was checked by `instanceUid`. */
export type InstanceUid = string & { readonly [kind]: 'instance' };

/**
 * PS3.5 9.1 without the rule on leading zeros, which archives break: digits and dots, 1 to 64 characters.
 * What passes is safe in a path, a URL and a log line.
 */
const UID = /^(?=.{1,64}$)[0-9]+(?:\.[0-9]+)*$/;

/** Checks text from outside as a Study Instance UID; throws `ledger.uid-invalid`. */
export function studyUid(text: string): StudyUid {
  if (!UID.test(text)) throw new DeepHealthError('ledger.uid-invalid');
  return text as StudyUid;
}

/** Checks text from outside as a SOP Instance UID; throws `ledger.uid-invalid`. */
export function instanceUid(text: string): InstanceUid {
  if (!UID.test(text)) throw new DeepHealthError('ledger.uid-invalid');
  return text as InstanceUid;
}
