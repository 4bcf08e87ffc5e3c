import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepHealthError } from '../errors/error.ts';

/** A file to read, or a path that could not be followed. */
export type Input =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'failed'; readonly path: string; readonly error: DeepHealthError };

/** Sorts a failed file system call into our codes. */
export function inputError(error: unknown): DeepHealthError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new DeepHealthError('input.not-found');
  if (code === 'EACCES' || code === 'EPERM') return new DeepHealthError('input.unreadable');
  if (code === 'ELOOP') return new DeepHealthError('input.loop');
  return new DeepHealthError('input.failed', undefined, { cause: error });
}

/**
 * The files that the paths name: files as they are, folders with everything below them in the order of their
 * names. Hidden files are left out of folders. Links are followed; a folder that was entered already (a link
 * to a parent) is named once as `input.loop` and not entered again.
 */
export async function* findInputs(paths: readonly string[]): AsyncGenerator<Input> {
  for (const path of paths) yield* follow(path, new Set());
}

async function* follow(path: string, entered: ReadonlySet<string>): AsyncGenerator<Input> {
  let names: string[];
  let real: string;
  try {
    const found = await stat(path);
    if (found.isFile()) {
      yield { kind: 'file', path };
      return;
    }
    if (!found.isDirectory()) throw Object.assign(new Error('not a regular file'), { code: 'EACCES' });
    real = await realpath(path);
    if (entered.has(real)) {
      yield { kind: 'failed', path, error: new DeepHealthError('input.loop') };
      return;
    }
    names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    yield { kind: 'failed', path, error: inputError(error) };
    return;
  }
  const parents = new Set([...entered, real]);
  for (const name of names) yield* follow(join(path, name), parents);
}
