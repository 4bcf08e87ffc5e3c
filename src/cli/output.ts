import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fitted } from '../dicom/report/legal.ts';
import { DeepHealthError } from '../errors/error.ts';
import { writeSynced } from '../files/write-synced.ts';

/** Sorts a failed write into our codes. */
function outputError(error: unknown): DeepHealthError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DeepHealthError('output.disk-full', undefined, { cause: error });
  }
  return new DeepHealthError('output.not-writable', undefined, { cause: error });
}

/**
 * Writes the files of one result all together: each goes to a hidden name first and is moved to its own when
 * all of them are complete. When anything fails, nothing of this result stays behind.
 *
 * @returns the paths written, in the order given
 * @throws DeepHealthError `output.disk-full` or `output.not-writable`
 */
export async function writeTogether(
  folder: string,
  files: readonly { readonly name: string; readonly bytes: Uint8Array | string }[],
): Promise<string[]> {
  const partial: string[] = [];
  const moved: string[] = [];
  try {
    await mkdir(folder, { recursive: true });
    const written = files.map(({ name, bytes }) => {
      const path = join(folder, `.${name}.partial`);
      partial.push(path);
      return writeSynced(path, bytes);
    });
    // Side by side: the disk brings them home together. None may be on its way any more when one is taken back.
    await Promise.allSettled(written);
    await Promise.all(written);
    for (const { name } of files) {
      const path = join(folder, name);
      await rename(join(folder, `.${name}.partial`), path);
      moved.push(path);
    }
    return moved;
  } catch (error) {
    await Promise.allSettled([...partial, ...moved].map((path) => rm(path, { force: true })));
    throw outputError(error);
  }
}

const FILM_ENDING = /\.(dcm|dicom|ima|jpe?g|png)$/i;

/** Bytes of a stem, so that it and an ending fit into the 255 bytes of a file name. */
const LONGEST_STEM = 200;

/**
 * Gives each film the stem of its output files: the file's own name without a film's ending, made unique by a
 * number when films of one run share it, ignoring case so that it holds on every file system. `a` and `a.text`
 * count as shared: both would have an `a.text.sr.dcm`.
 */
export function outputNames(): (fileName: string) => string {
  const taken = new Set<string>();
  return (fileName) => {
    const stem = fitted(fileName.replace(FILM_ENDING, ''), LONGEST_STEM) || 'film';
    const claim = (name: string) => name.toLowerCase().replace(/^(.*?)(?:\.text)+$/s, '$1');
    let name = stem;
    for (let n = 2; taken.has(claim(name)); n += 1) name = `${stem}-${n}`;
    taken.add(claim(name));
    return name;
  };
}
