import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { DeepHealthError } from '../errors/error.ts';
import { writeNewFile } from '../files/write-new-file.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import type { NewReportObject, ReportObject } from '../ledger/types.ts';

/** A row of SQLite is as quick as a file up to about this size. */
const LEAST_BYTES = 64 * 2 ** 10;

/**
 * Puts large results into files of the data folder, synced, for a ledger of which every process is on the machine of that
 * folder: in SQLite a heat map would be written page by page, twice (docs/decisions/0134). To be done before the results are recorded:
 * files that were never recorded are removed by a sweep. Each has a name of its own, so none is ever written over.
 *
 * @param known objects of the study that were recorded before, whose first bytes stay
 * @returns the same objects, those that lie in files now with their path
 * @throws DeepHealthError `storage.failed`
 */
export async function keepInFiles(
  objects: readonly NewReportObject[],
  known: readonly Pick<ReportObject, 'kind' | 'uid'>[],
  folder: Pick<DataFolder, 'results' | 'relative'>,
): Promise<NewReportObject[]> {
  const isKnown = (object: NewReportObject) =>
    known.some(({ kind, uid }) => kind === object.kind && uid === object.uid);
  return Promise.all(
    objects.map(async (object) => {
      const { body, kind } = object;
      if (body.kind === 'file' || body.bytes.length < LEAST_BYTES || isKnown(object)) return object;
      const path = join(folder.results, `${randomUUID()}${kind === 'oru' ? '.hl7' : '.dcm'}`);
      try {
        await writeNewFile(path, body.bytes);
      } catch (error) {
        throw new DeepHealthError('storage.failed', undefined, { cause: error });
      }
      return { ...object, body: { kind: 'file' as const, path: folder.relative(path) } };
    }),
  );
}
