import { opendir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
 *
 * There may be a year's films and results: folders are read as they are gone through, and what is remembered is what has
 * no row.
 */
export function createOrphans(folder: DataFolder, ledger: Pick<Ledger, 'films'>): Orphans {
  let before = new Map<string, string>();
  return {
    async sweep() {
      const seen = new Map<string, string>();
      let removed = 0;
      for await (const files of batched(filesIn(folder))) {
        const recorded = await ledger.films.recorded(files.map((file) => folder.relative(file)));
        const unknown = files.filter((file) => !recorded.has(folder.relative(file)));
        for (const file of unknown) {
          const identity = await identityOf(file);
          if (identity === undefined) continue;
          if (before.get(file) !== identity) seen.set(file, identity);
          else if (await removeIfStill(file, identity)) removed += 1;
        }
        // Of a study, empty then; fails where it is not.
        for (const home of new Set(unknown.map(dirname))) {
          if (home !== folder.films && home !== folder.results) await rmdir(home).catch(() => {});
        }
      }
      before = seen;
      return removed;
    },
  };
}

/** Every film and large result, those on their way into their study's folder too. */
async function* filesIn({ films, results }: DataFolder): AsyncGenerator<string, void, undefined> {
  for await (const entry of await opendir(films)) {
    const path = join(films, entry.name);
    if (!entry.isDirectory()) yield path;
    else for (const name of await namesIn(path)) yield join(path, name);
  }
  for await (const { name } of await opendir(results)) yield join(results, name);
}

/** The films of a study, with their names. */
async function namesIn(home: string): Promise<string[]> {
  const names = await readdir(home).catch(() => []);
  if (!names.some((name) => name.endsWith(ASIDE))) return names;
  await takeBack(home, names);
  return readdir(home).catch(() => []);
}

async function* batched(files: AsyncIterable<string>): AsyncGenerator<string[], void, undefined> {
  let batch: string[] = [];
  for await (const file of files) {
    batch.push(file);
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
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
async function takeBack(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
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
