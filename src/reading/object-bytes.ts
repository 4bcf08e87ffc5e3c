import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DeepHealthError } from '../errors/error.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import type { Ledger, ReportObject } from '../ledger/types.ts';
import type { JustMade } from './just-made.ts';

/**
 * @param justMade where they may still be, so that the database need not give them back.
 * @returns the stored bytes; undefined when they are gone. A database that does not answer is an error of its own.
 */
export async function objectBytes(
  object: ReportObject,
  ledger: Pick<Ledger, 'readings'>,
  folder: DataFolder,
  justMade?: JustMade,
): Promise<Uint8Array | undefined> {
  const made = justMade?.take(object.sha256);
  if (made !== undefined && isWhole(made, object)) return made;
  const bytes =
    object.body.kind === 'inline'
      ? await ledger.readings.bytes(object.id)
      : await readFile(folder.absolute(object.body.path)).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return undefined;
          throw new DeepHealthError('storage.failed', undefined, { cause: error });
        });
  return bytes !== undefined && isWhole(bytes, object) ? bytes : undefined;
}

/** Damaged bytes must not reach an archive, or a reader, under a UID that promises others. */
function isWhole(bytes: Uint8Array, { sha256 }: ReportObject): boolean {
  return createHash('sha256').update(bytes).digest('hex') === sha256;
}
