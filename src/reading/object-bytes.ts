import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DeepHealthError } from '../errors/error.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import type { Ledger, ReportObject } from '../ledger/types.ts';

/** The stored bytes; undefined when they are gone. A database that does not answer is an error of its own. */
export async function objectBytes(
  object: ReportObject,
  ledger: Pick<Ledger, 'readings'>,
  folder: DataFolder,
): Promise<Uint8Array | undefined> {
  const bytes =
    object.body.kind === 'inline'
      ? await ledger.readings.bytes(object.id)
      : await readFile(folder.absolute(object.body.path)).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return undefined;
          throw new DeepHealthError('storage.failed', undefined, { cause: error });
        });
  if (bytes === undefined) return undefined;
  // Damaged bytes must not reach an archive, or a reader, under a UID that promises others.
  const whole = createHash('sha256').update(bytes).digest('hex') === object.sha256;
  return whole ? bytes : undefined;
}
