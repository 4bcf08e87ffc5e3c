import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger } from '../ledger/types.ts';
import type { StudyUid } from '../ledger/uids.ts';
import { type DataFolder, removeFiles, studyFolderName } from './data-folder.ts';

const BATCH = 50;
/** Poll observations of studies that no archive shows any more are of no use. */
const OBSERVATIONS_MS = 7 * 24 * 60 * 60_000;

/**
 * Removes studies that ended longer ago than the retention: their films, their outbox, then their rows. Files
 * go first, so that no file is left of which nobody knows.
 *
 * @returns how many were removed
 */
export async function sweepRetention(
  ledger: Pick<Ledger, 'retention'>,
  folder: DataFolder,
  retentionMs: number,
  now: number,
): Promise<number> {
  const before = now - retentionMs;
  const due = await ledger.retention.expirable({
    states: ['delivered', 'skipped', 'failed'],
    before,
    limit: BATCH,
  });
  for (const { studyUid, files } of due) {
    await removeFiles(folder, files);
    await removeOlder(join(folder.films, studyFolderName(studyUid)), before);
    await removeOlder(join(folder.outbox, studyUid), before);
    // A late film may have opened it again since it was named: its file and its rows stay, and it is read.
    await ledger.retention.forget(studyUid, before);
  }
  await ledger.retention.forgetObservations(now - OBSERVATIONS_MS);
  return due.length;
}

/** Empties a folder of files last written before `before`, and removes it when nothing is left. */
async function removeOlder(home: string, before: number): Promise<void> {
  for (const name of await readdir(home).catch(() => [])) {
    const path = join(home, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && found.mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
  await rmdir(home).catch(() => {});
}

/** Removes one study with everything that belongs to it; false when the ledger has no such study. */
export async function forgetStudy(
  ledger: Pick<Ledger, 'retention'>,
  folder: DataFolder,
  studyUid: StudyUid,
  files: readonly string[],
): Promise<boolean> {
  await removeFiles(folder, files);
  for (const home of [join(folder.films, studyFolderName(studyUid)), join(folder.outbox, studyUid)]) {
    await rm(home, { recursive: true, force: true });
  }
  return (await ledger.retention.forget(studyUid)).kind === 'forgotten';
}
