import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isSecretKey } from './mask.ts';

/** One thing that is wrong in the config: where, what stands there (masked if secret), and how to mend it. */
export interface Problem {
  /** Dotted path, list entries by index: `pacs.0.url`. Empty for the file as a whole. */
  readonly path: string;
  readonly value?: string;
  readonly message: string;
  readonly remedy: string;
}

const REFERENCE = /\$\{(?:(env|file):)?([^}]*)\}/g;

/**
 * Replaces `${env:NAME}` and `${file:PATH}` in every string of a parsed YAML document. A file's content is
 * taken without its last line end; paths are relative to `folder` (the config file's). What cannot be
 * resolved becomes a problem, and the string stays as it is, so that all problems show at once.
 */
export function interpolate(
  document: unknown,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly document: unknown; readonly problems: readonly Problem[]; readonly referenced: Set<string> } {
  const problems: Problem[] = [];
  const referenced = new Set<string>();

  function replace(value: string, path: string): string {
    return value.replaceAll(REFERENCE, (whole: string, kind: string | undefined, name: string) => {
      if (kind === undefined) {
        problems.push({
          path,
          ...(isSecretKey(path.slice(path.lastIndexOf('.') + 1)) ? {} : { value: whole }),
          message: `A reference is neither \${env:NAME} nor \${file:PATH}.`,
          remedy: 'Write one of these; a text that holds such signs has to come from one of them.',
        });
        return whole;
      }
      referenced.add(path);
      if (kind === 'env') {
        const found = env[name];
        if (found !== undefined) return found;
        problems.push({
          path,
          value: whole,
          message: `The environment variable ${name} is not set.`,
          remedy: `Set ${name} in the service's environment.`,
        });
        return whole;
      }
      try {
        return readFileSync(resolve(folder, name), 'utf8').replace(/\r?\n$/, '');
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
        problems.push({
          path,
          value: whole,
          message: `The file ${name} cannot be read (${code}).`,
          remedy: 'Create it, or let the account that runs the service read it.',
        });
        return whole;
      }
    });
  }

  function walk(value: unknown, path: string): unknown {
    if (typeof value === 'string') return replace(value, path);
    if (Array.isArray(value))
      return value.map((entry, index) => walk(entry, path === '' ? `${index}` : `${path}.${index}`));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, entry]) => [key, walk(entry, path === '' ? key : `${path}.${key}`)]),
      );
    }
    return value;
  }

  return { document: walk(document, ''), problems, referenced };
}
