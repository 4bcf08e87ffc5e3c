import { createHash } from 'node:crypto';
import { DeepHealthError } from '../../errors/error.ts';

/** The product's UUID name space; never changed, or every UID made so far would get a twin. */
const NAME_SPACE = Buffer.from('9be585e57fc742ff8cd69f015ec9f5a1', 'hex');

const SEPARATOR = '\u001f';

/**
 * A UID made from what it stands for, so that the same things always get the same UID: `2.25.` and the
 * decimal UUIDv5 (RFC 9562 5.5, PS3.5 B.2) of the parts joined with U+001F in the product's name space. At
 * most 44 characters. A part that holds U+001F itself is refused (`report.content-invalid`): it could make
 * two different lists equal.
 */
export function hashedUid(...parts: readonly string[]): string {
  if (parts.some((part) => part.includes(SEPARATOR))) {
    throw new DeepHealthError(
      'report.content-invalid',
      'A UID was asked for a name with a control character.',
    );
  }
  const digest = createHash('sha1').update(NAME_SPACE).update(parts.join(SEPARATOR), 'utf8').digest();
  const uuid = digest.subarray(0, 16);
  uuid.writeUInt8((uuid.readUInt8(6) & 0x0f) | 0x50, 6);
  uuid.writeUInt8((uuid.readUInt8(8) & 0x3f) | 0x80, 8);
  return `2.25.${BigInt(`0x${uuid.toString('hex')}`)}`;
}

/**
 * Whether a text can be used as a UID. Leading zeros in a component are against PS3.5 9.1, but objects that
 * carry them exist and can only be referred to by them.
 */
export function isUid(text: string): boolean {
  return text.length <= 64 && /^\d+(\.\d+)+$/.test(text);
}
