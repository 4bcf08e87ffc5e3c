import { open } from 'node:fs/promises';

/** Makes the names in a folder survive a power cut: a new name is safe only once its folder is synced. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
