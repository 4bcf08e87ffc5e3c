import { constants, copyFile, mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { requireConfig } from '../config/require.ts';
import { DeepHealthError } from '../errors/error.ts';
import { isThere } from '../files/is-there.ts';
import { syncFolder } from '../files/sync-folder.ts';
import { backupLedger } from '../ledger/backup.ts';
import type { StudiesOptions } from './studies.ts';

/**
 * `studies backup`: ledger, received films, results and the installation's secret into a new folder, while the service
 * runs. The ledger comes first: whatever it knows was on disk before.
 *
 * @throws DeepHealthError `config.invalid`, `service.no-data`, `output.not-writable`, `ledger.*`
 */
export async function backupStudies(
  file: string | null,
  target: string,
  options: StudiesOptions,
): Promise<void> {
  const config = requireConfig(file);
  const folder = resolve(config.storage.folder);
  const isPostgres = config.ledger.includes('://');
  if (!(await isThere(folder)) || (!isPostgres && !(await isThere(config.ledger)))) {
    throw new DeepHealthError('service.no-data');
  }
  const into = resolve(target);
  if (await isThere(into)) {
    throw new DeepHealthError(
      'output.not-writable',
      'The folder of the backup is there already; name a new one.',
    );
  }
  await mkdir(into, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new DeepHealthError('output.not-writable', undefined, { cause });
  });
  if (!isPostgres) await backupLedger(config.ledger, join(into, basename(config.ledger)));
  const films = await copyTree(join(folder, 'films'), join(into, 'films'));
  for (const results of ['results', 'outbox']) await copyTree(join(folder, results), join(into, results));
  await copyOne(join(folder, 'study-key.secret'), join(into, 'study-key.secret'));
  await syncFolder(into);
  await syncFolder(dirname(into));
  const made = { backup: into, ledger: isPostgres ? null : basename(config.ledger), films };
  if (options.json === true) process.stdout.write(`${JSON.stringify(made)}\n`);
  else process.stdout.write(`${into}: ${isPostgres ? '' : `${made.ledger}, `}${films} films\n`);
  if (isPostgres) {
    process.stderr.write('The ledger is in PostgreSQL: dump it with pg_dump, before this command.\n');
  }
}

/** Copies files that are there; one that retention removes meanwhile is not missed. Gives their number. */
async function copyTree(from: string, to: string): Promise<number> {
  const entries = await readdir(from, { withFileTypes: true }).catch(() => []);
  await mkdir(to, { recursive: true, mode: 0o750 });
  let files = 0;
  for (const entry of entries) {
    const [source, copy] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) files += await copyTree(source, copy);
    else if (entry.isFile() && (await copyOne(source, copy))) files += 1;
  }
  return files;
}

async function copyOne(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new DeepHealthError('output.not-writable', undefined, { cause: error });
  }
}
