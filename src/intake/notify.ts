import type { DicomWebClient } from '../dicom/web/client.ts';
import { DeepHealthError } from '../errors/error.ts';
import type { InstanceNotice, Ledger, Priority, Study } from '../ledger/types.ts';
import type { StudyUid } from '../ledger/uids.ts';
import { listInstances } from '../reading/gather.ts';
import type { IntakeRules } from './film-classes.ts';

export interface Notifying {
  readonly ledger: Pick<Ledger, 'studies'>;
  archives(): ReadonlyMap<string, DicomWebClient>;
  select(): IntakeRules;
  /** There is a study to settle. */
  readonly onNoticed: () => void;
}

export interface Notification {
  readonly studyUid: StudyUid;
  /** Name of the PACS that has it; null: any of the configured ones. */
  readonly pacs: string | null;
  readonly priority: Priority;
}

/**
 * Somebody says that an archive has this study, complete (a webhook, a person). A new study is queued at once
 * and listed by whoever reads it. Of one that was read before the films are listed first: only new ones make
 * a new reading, so a webhook that fires again because our own results came in starts nothing.
 *
 * @throws DeepHealthError `study.no-pacs`, and `web.*` when a known study cannot be listed
 */
export async function noticeStudy(notification: Notification, notifying: Notifying): Promise<Study> {
  const { ledger } = notifying;
  const { studyUid, pacs, priority } = notification;
  const archives = notifying.archives();
  if (archives.size === 0 || (pacs !== null && !archives.has(pacs)))
    throw new DeepHealthError('study.no-pacs');
  const known = await ledger.studies.get(studyUid);
  const isWaiting = known?.status.state === 'settling' || known?.status.state === 'queued';
  const instances = known === undefined || isWaiting ? [] : await listAnywhere(notification, notifying);
  await ledger.studies.notice({
    studyUid,
    source: { kind: 'notify', pacs },
    priority,
    settleAt: Date.now(),
    instances,
  });
  notifying.onNoticed();
  const study = await ledger.studies.get(studyUid);
  if (study === undefined) throw new DeepHealthError('ledger.refused');
  return study;
}

async function listAnywhere(
  { studyUid, pacs }: Notification,
  { archives, select }: Notifying,
): Promise<readonly InstanceNotice[]> {
  const configured = archives();
  const named = pacs === null ? [...configured.values()] : [configured.get(pacs)];
  for (const archive of named) {
    if (archive === undefined) continue;
    const found = await listInstances(archive, studyUid, select());
    if (found.length > 0) return found;
  }
  return [];
}
