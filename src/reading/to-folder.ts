import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DeepHealthError } from '../errors/error.ts';
import { syncFolder } from '../files/sync-folder.ts';
import { writeSynced } from '../files/write-synced.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import type { ReportObject, ReportObjectKind } from '../ledger/types.ts';
import type { Destination } from './deliver.ts';

/** Name of the destination that stands in for a PACS (and a RIS) where none is configured. */
export const FOLDER = 'folder';

const ENDINGS: Readonly<Record<ReportObjectKind, string>> = {
  'sr-air': '.sr.dcm',
  'sr-text': '.text.sr.dcm',
  'heat-map': '.heatmap.dcm',
  oru: '.oru.hl7',
};

/** File name of a result in the outbox: its SOP Instance UID or message control id, and what it is. */
export function outboxName(object: Pick<ReportObject, 'kind' | 'uid'>): string {
  return `${object.uid}${ENDINGS[object.kind]}`;
}

/** Results to `outbox/<study>/`: a file appears under its name when it is whole, and the same bytes may come again. */
export function folderDestination(folder: DataFolder): Destination {
  return {
    name: FOLDER,
    via: 'folder',
    async send({ studyUid, object, bytes }) {
      const home = join(folder.outbox, studyUid);
      const path = join(home, outboxName(object));
      try {
        await mkdir(home, { recursive: true, mode: 0o750 });
        const partial = join(home, `.${outboxName(object)}.partial`);
        await writeSynced(partial, bytes, 'w', 0o640);
        await rename(partial, path);
        await syncFolder(home);
        await syncFolder(folder.outbox);
      } catch (error) {
        throw new DeepHealthError('delivery.folder', undefined, { cause: error });
      }
      return { kind: 'sent' };
    },
    async close() {},
  };
}
