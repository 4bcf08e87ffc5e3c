import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './sync-folder.ts';

/**
 * Writes a file that is not there yet, so that it survives a power cut once this resolves: bytes and name. Nobody may
 * look for it before; what was half written when the process was killed is left.
 *
 * @throws the error of the file system, and nothing is left; EEXIST where there is such a file
 */
export async function writeNewFile(path: string, bytes: Uint8Array, mode = 0o640): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
