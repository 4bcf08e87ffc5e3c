import type * as z from 'zod';
import { DeepHealthError } from '../errors/error.ts';
import { type InstanceUid, instanceUid, type StudyUid, studyUid } from '../ledger/uids.ts';

/** The study that a path names. Throws `ledger.uid-invalid`. */
export function studyOf({ study }: Record<string, unknown>): StudyUid {
  return studyUid(typeof study === 'string' ? study : '');
}

/** The instance that a path names. Throws `ledger.uid-invalid`. */
export function instanceOf({ instance }: Record<string, unknown>): InstanceUid {
  return instanceUid(typeof instance === 'string' ? instance : '');
}

/** The body or query as the schema wants it; throws `api.bad-request` that names the key, never its value. */
export function parsed<Schema extends z.ZodType>(schema: Schema, given: unknown): z.output<Schema> {
  const result = schema.safeParse(given ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, code, ...issue }) =>
    code === 'unrecognized_keys' && 'keys' in issue
      ? `unknown key ${(issue.keys as string[])
          .slice(0, 5)
          .map((key) => JSON.stringify(key.slice(0, 40)))
          .join(', ')}`
      : `${path.length === 0 ? 'the body' : path.join('.')} is not valid`,
  );
  throw new DeepHealthError('api.bad-request', `The request is not valid: ${problems.join('; ')}.`);
}
