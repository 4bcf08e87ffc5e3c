import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './sync-folder.ts';
import { writeSynced } from './write-synced.ts';

/**
 * Writes a file that is not there yet, so that it survives a power cut once this resolves: bytes and name. Nobody may
 * look for it before; what was half written when the process was killed is left.
 *
 * @throws the error of the file system, and nothing is left; EEXIST where there is such a file
 */
export async function writeNewFile(path: string, bytes: Uint8Array, mode = 0o640): Promise<void> {
  try {
    await writeSynced(path, bytes, 'wx', mode);
    await syncFolder(dirname(path));
  } catch (error) {
    // That one is somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await rm(path, { force: true });
    throw error;
  }
}
