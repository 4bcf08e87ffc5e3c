import { DeepHealthError } from '../../errors/error.ts';

/**
 * Whether a text is a UID (PS3.5 9.1): digits and dots, at most 64 characters. Components with leading zeros
 * pass: archives hold them. Nothing that passes can leave its place in a URL path or a file name.
 */
export function isUid(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 64 && /^\d+(\.\d+)*$/.test(text);
}

/** The UID itself, or `web.bad-uid`; stands before every use of a UID in a URL. */
export function checkedUid(uid: string): string {
  if (!isUid(uid)) throw new DeepHealthError('web.bad-uid');
  return uid;
}
