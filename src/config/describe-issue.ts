import type * as z from 'zod';
import type { Problem } from './interpolate.ts';
import { masked, SECRET_KEYS } from './mask.ts';
import { nearest } from './nearest.ts';
import { keySentence, knownKeys, placesOfKey } from './schema-tree.ts';

type Issue = z.core.$ZodIssue;

/**
 * What is wrong in an admin's words: where, what stands there, and how to mend it.
 *
 * @param referenced paths whose values came from the environment or a file; they are not shown
 */
export function describeIssue(issue: Issue, document: unknown, referenced: ReadonlySet<string>): Problem[] {
  const path = issue.path.join('.');
  const value = valueAt(document, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const place = path === '' ? key : `${path}.${key}`;
      const given = valueAt(value, [key]);
      return { path: place, ...unknownKey(key, issue.path), ...shownIfPlain(key, given, place, referenced) };
    });
  }
  const message =
    value === undefined
      ? 'is missing'
      : issue.message.startsWith('is ')
        ? issue.message
        : issue.message.replace(/^Invalid (input|option): /, '');
  return [
    {
      path,
      ...(value === undefined ? {} : { value: shown(value, path, referenced) }),
      message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
      remedy: keySentence(issue.path) ?? 'See the commented config/deep-health.yaml.',
    },
  ];
}

function unknownKey(
  key: string,
  path: readonly PropertyKey[],
): { readonly message: string; readonly remedy: string } {
  const known = knownKeys(path);
  const elsewhere = placesOfKey(key).slice(0, 3).join(', ');
  const meant = nearest(key, known);
  const remedy =
    elsewhere !== ''
      ? `There is ${elsewhere}. Known here: ${known.join(', ')}.`
      : meant !== undefined
        ? `Did you mean ${meant}?`
        : `Known here: ${known.join(', ')}.`;
  return { message: 'There is no such key.', remedy };
}

/** The value of an unknown key, unless it may be a secret under a wrong name. */
function shownIfPlain(
  key: string,
  value: unknown,
  path: string,
  referenced: ReadonlySet<string>,
): { readonly value?: string } {
  if (value === undefined || (typeof value === 'object' && value !== null)) return {};
  const secret = nearest(key, SECRET_KEYS) !== undefined || /pas|pw|secret|tok|key|cred/i.test(key);
  return { value: secret ? '********' : shown(value, path, referenced) };
}

/** What stands at a path of a parsed document. */
export function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** A value as it may be shown in a problem: short, and masked where it is secret or came from a secret. */
function shown(value: unknown, path: string, referenced: ReadonlySet<string>): string {
  const text = JSON.stringify(masked(value, path, referenced)) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
