import { open } from 'node:fs/promises';

/**
 * Writes a file whose bytes are on disk once this resolves; its name is only when the folder was synced too.
 *
 * @param flag `w` writes over what is there, `wx` fails with EEXIST
 * @throws the error of the file system
 */
export async function writeSynced(
  path: string,
  bytes: Uint8Array | string,
  flag: 'w' | 'wx' = 'w',
  mode?: number,
): Promise<void> {
  const file = await open(path, flag, mode);
  try {
    await file.writeFile(bytes);
    // A full disk may show only here, with delayed allocation.
    await file.sync();
  } finally {
    await file.close();
  }
}
