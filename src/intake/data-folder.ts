import { createHash } from 'node:crypto';
import { access, constants, rm, rmdir, statfs } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { DeepHealthError } from '../errors/error.ts';
import { makeFolder } from '../files/make-folder.ts';

/**
 * The data folder and who lives where in it:
 * `films/` received films, `results/` large results, `outbox/` results without a PACS, `study-key.secret`, and the SQLite
 * ledger.
 * The ledger keeps paths relative to it, so that it can be moved or mounted elsewhere.
 */
export interface DataFolder {
  readonly path: string;
  /** Absolute path of a ledger entry; throws `storage.failed` for one that leaves the folder. */
  absolute(relative: string): string;
  relative(absolute: string): string;
  /** The folder of received films. */
  readonly films: string;
  /** The folder of results that are too large for a row of the ledger. */
  readonly results: string;
  readonly outbox: string;
  /** Bytes that this account may still write. */
  free(): Promise<number>;
}

/** Makes the data folder where it is missing. Throws `service.folder`. */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const root = resolve(path);
  const films = join(root, 'films');
  const results = join(root, 'results');
  const outbox = join(root, 'outbox');
  try {
    for (const folder of [root, films, results, outbox]) await makeFolder(folder, 0o750);
    await access(films, constants.W_OK);
  } catch (error) {
    throw new DeepHealthError('service.folder', undefined, { cause: error });
  }
  return {
    path: root,
    films,
    results,
    outbox,
    absolute(relative) {
      const path = resolve(root, relative);
      if (!path.startsWith(root + sep)) throw new DeepHealthError('storage.failed');
      return path;
    },
    relative: (absolute) =>
      absolute
        .slice(root.length + 1)
        .split(sep)
        .join('/'),
    async free() {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
  };
}

/** Folder name of a study: a hash, so that a listing shows no UID and every UID fits a file system. */
export function studyFolderName(studyUid: string): string {
  return createHash('sha256').update(studyUid).digest('hex').slice(0, 32);
}

/** Removes files of the data folder, and their folder when it is empty then. Missing ones are fine. */
export async function removeFiles(folder: DataFolder, relatives: readonly string[]): Promise<void> {
  const parents = new Set<string>();
  for (const relative of relatives) {
    const path = folder.absolute(relative);
    await rm(path, { force: true });
    parents.add(dirname(path));
  }
  for (const parent of parents) {
    if (![folder.path, folder.films, folder.results].includes(parent)) await rmdir(parent).catch(() => {});
  }
}
