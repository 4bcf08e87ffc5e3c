import { mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder } from './sync-folder.ts';

/**
 * Makes a folder and those above it that are missing, each synced in its parent, so that none of them is lost
 * by a power cut while what lies in it is safe. One step at a time: Node's own `recursive` never returns where
 * the file system says that the parent of a folder that exists does not (Linux's /proc).
 *
 * @param mode of the folders that are made; those that exist keep theirs
 * @throws the error of the file system; ENOTDIR where a file stands in the way
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await stat(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return undefined;
    });
    if (found?.isDirectory() === true) break;
    if (found !== undefined) throw Object.assign(new Error(`${at} is no folder`), { code: 'ENOTDIR' });
    missing.unshift(at);
  }
  for (const folder of missing) {
    await mkdir(folder, { mode }).catch((error: NodeJS.ErrnoException) => {
      // Another process that starts at the same time.
      if (error.code !== 'EEXIST') throw error;
    });
    await syncFolder(dirname(folder));
  }
}
