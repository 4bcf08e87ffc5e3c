import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { link, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../files/sync-folder.ts';
import { writeSynced } from '../files/write-synced.ts';

/** Gives the name under which a study appears in logs: the same within an installation, meaningless outside. */
export type StudyKey = (studyUid: string) => string;

/** A study key from the installation's secret (standards 6.4): UIDs can identify a patient, so none is logged. */
export function createStudyKey(secret: Uint8Array): StudyKey {
  return (studyUid) => `s-${createHmac('sha256', secret).update(studyUid).digest('hex').slice(0, 16)}`;
}

const FILE = 'study-key.secret';

/**
 * The installation's secret, kept in the data folder with access for the owner only; made at the first start.
 * Two processes that start together end up with one secret.
 */
export async function loadStudyKey(folder: string): Promise<StudyKey> {
  const path = join(folder, FILE);
  const partial = `${path}.${randomUUID()}.tmp`;
  try {
    return createStudyKey(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await writeSynced(partial, randomBytes(32), 'w', 0o600);
  try {
    // A link fails where the name exists: whoever comes second takes the secret of the first.
    await link(partial, path);
    await syncFolder(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(partial, { force: true });
  }
  return createStudyKey(await readFile(path));
}
