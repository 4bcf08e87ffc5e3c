import { opendir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere } from '../files/is-there.ts';
import type { Ledger } from '../ledger/types.ts';
import type { DataFolder } from './data-folder.ts';

export interface Orphans {
  /** One look through the folders of films and results; gives how many files were removed. */
  sweep(): Promise<number>;
}

/** Files of one question to the ledger. */
const AT_ONCE = 200;

/**
 * Films that no row of the ledger names: the process was killed before the ledger knew them, and the sender, who
 * was told nothing, never sent them again. Results likewise: their study was read again and has others. A file that is seen without a row in two sweeps, unchanged, is
 * removed. The pause between two sweeps has to be longer than a film may take from its first byte to the
 * ledger; the age of files is not asked for, since clocks are set.
 */
export function createOrphans(folder: DataFolder, ledger: Pick<Ledger, 'films'>): Orphans {
  let before = new Map<string, string>();
  return {
    async sweep() {
      const seen = new Map<string, string>();
      let removed = 0;
      async function look(file: string): Promise<void> {
        const identity = await identityOf(file);
        if (identity === undefined) return;
        if (before.get(file) !== identity) seen.set(file, identity);
        else if (await removeIfStill(file, identity)) removed += 1;
      }
      for (const entry of await readdir(folder.films, { withFileTypes: true })) {
        const path = join(folder.films, entry.name);
        if (!entry.isDirectory()) {
          // On its way into its study's folder.
          await look(path);
          continue;
        }
        await takeBack(path);
        const files = (await readdir(path).catch(() => [])).map((name) => join(path, name));
        const unknown = await withoutRow(files, folder, ledger);
        for (const file of unknown) await look(file);
        // Empty then; fails where it is not.
        if (unknown.length > 0) await rmdir(path).catch(() => {});
      }
      for await (const files of filesIn(folder.results)) {
        for (const unknown of await withoutRow(files, folder, ledger)) await look(unknown);
      }
      before = seen;
      return removed;
    },
  };
}

/** A folder without folders; there may be a year's results in it. */
async function* filesIn(path: string): AsyncGenerator<string[], void, undefined> {
  let files: string[] = [];
  for await (const { name } of await opendir(path)) {
    files.push(join(path, name));
    if (files.length < AT_ONCE) continue;
    yield files;
    files = [];
  }
  yield files;
}

async function withoutRow(files: readonly string[], folder: DataFolder, ledger: Pick<Ledger, 'films'>) {
  if (files.length === 0) return [];
  const recorded = await ledger.films.recorded(files.map((file) => folder.relative(file)));
  return files.filter((file) => !recorded.has(folder.relative(file)));
}

const ASIDE = '.aside';

/**
 * Removes a file that is still the one that was looked at. The same film may be sent again at this very moment, and then
 * stands under the same name and is acknowledged: so the file is taken aside first, and put back if it is that one.
 */
export async function removeIfStill(file: string, identity: string): Promise<boolean> {
  const aside = `${file}${ASIDE}`;
  await rename(file, aside).catch(() => {});
  // Being renamed changes the time of a file, not its number.
  const found = await identityOf(aside);
  if (found === undefined) return false;
  if (inodeOf(found) !== inodeOf(identity)) {
    await rename(aside, file);
    return false;
  }
  await rm(aside, { force: true });
  return true;
}

/** What a killed process had taken aside gets its name back: names say what is in a file, so one copy is enough. */
async function takeBack(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith(ASIDE)) continue;
    const aside = join(folder, name);
    const file = aside.slice(0, -ASIDE.length);
    await ((await isThere(file)) ? rm(aside, { force: true }) : rename(aside, file)).catch(() => {});
  }
}

const inodeOf = (identity: string) => identity.split(' ')[0];

/** Tells a file from another one that took its name: a film that was sent again is another inode. */
async function identityOf(file: string): Promise<string | undefined> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  return found && `${found.ino} ${found.ctimeNs}`;
}
