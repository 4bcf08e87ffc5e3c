import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepHealthError } from '../errors/error.ts';
import type { Ledger } from '../ledger/types.ts';
import type { StudyUid } from '../ledger/uids.ts';
import { type DataFolder, removeFiles, studyFolderName } from './data-folder.ts';

const BATCH = 50;
/** Poll observations of studies that no archive shows any more are of no use. */
const OBSERVATIONS_MS = 7 * 24 * 60 * 60_000;

/**
 * Removes studies that ended longer ago than the retention: their films, their results, their outbox and their rows. A
 * study whose files the disk does not give up stays, and keeps no other from going.
 *
 * @param onFailure hears of each study that could not be removed
 * @returns how many were removed
 */
export async function sweepRetention(
  ledger: Pick<Ledger, 'retention'>,
  folder: DataFolder,
  retentionMs: number,
  now: number,
  onFailure: (studyUid: StudyUid, error: DeepHealthError) => void = () => {},
): Promise<number> {
  const before = now - retentionMs;
  const tried = new Set<StudyUid>();
  let removed = 0;
  // On to the next ones where none of a batch could be removed.
  while (removed === 0) {
    const named = await ledger.retention.expirable({
      states: ['delivered', 'skipped', 'failed'],
      before,
      limit: BATCH + tried.size,
    });
    const due = named.filter(({ studyUid }) => !tried.has(studyUid));
    if (due.length === 0) break;
    for (const { studyUid, files } of due) {
      tried.add(studyUid);
      try {
        // A late film may have opened it again since it was named: then all of it stays, and is read.
        const { kind } = await ledger.retention.forget(studyUid, before, () =>
          fromDisk(async () => {
            await removeFiles(folder, await olderOf(folder, files, before));
            await removeOlder(join(folder.films, studyFolderName(studyUid)), before);
            await removeOlder(join(folder.outbox, studyUid), before);
          }),
        );
        if (kind === 'forgotten') removed += 1;
      } catch (error) {
        if (!(error instanceof DeepHealthError) || error.code !== 'storage.failed') throw error;
        onFailure(studyUid, error);
      }
    }
  }
  await ledger.retention.forgetObservations(now - OBSERVATIONS_MS);
  return removed;
}

/** Sorts what the file system refuses. */
async function fromDisk(work: () => Promise<void>): Promise<void> {
  await work().catch((cause: unknown) => {
    throw new DeepHealthError('storage.failed', undefined, { cause });
  });
}

/** Those of the files that were last written before `before`: a film that is sent again this moment is on its way into the ledger. */
async function olderOf(folder: DataFolder, files: readonly string[], before: number): Promise<string[]> {
  const older: string[] = [];
  for (const file of files) {
    const found = await stat(folder.absolute(file)).catch(() => undefined);
    if (found !== undefined && found.mtimeMs < before) older.push(file);
  }
  return older;
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
  const { kind } = await ledger.retention.forget(studyUid, undefined, () =>
    fromDisk(async () => {
      await removeFiles(folder, files);
      for (const home of [join(folder.films, studyFolderName(studyUid)), join(folder.outbox, studyUid)]) {
        await rm(home, { recursive: true, force: true });
      }
    }),
  );
  return kind === 'forgotten';
}
