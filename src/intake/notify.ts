import type { DicomWebClient } from '../dicom/web/client.ts';
import { DeepHealthError } from '../errors/error.ts';
import type { Ledger, Look, Study } from '../ledger/types.ts';
import type { Looks } from './looks.ts';

export interface Notifying {
  readonly ledger: Pick<Ledger, 'studies'>;
  readonly looks: Pick<Looks, 'promise'>;
  readonly archives: ReadonlyMap<string, DicomWebClient>;
}

/**
 * Somebody says that an archive has this study, complete (a webhook, a person). A new study is queued at once
 * and listed by whoever reads it. One that was read before is looked at for new films after the answer: only
 * those make a new reading, so a webhook that fires again because our own results came in starts nothing.
 * The archive is not asked here, see `Looks`.
 *
 * @throws DeepHealthError `study.no-pacs`, `ledger.*`
 */
export async function noticeStudy(named: Look, notifying: Notifying): Promise<Study> {
  const { ledger, looks, archives } = notifying;
  const { studyUid, pacs, priority } = named;
  if (archives.size === 0 || (pacs !== null && !archives.has(pacs)))
    throw new DeepHealthError('study.no-pacs');
  const known = await ledger.studies.get(studyUid);
  const state = known?.status.state;
  if (known === undefined || state === 'settling' || state === 'queued') {
    const source = { kind: 'notify', pacs } as const;
    await ledger.studies.notice({ studyUid, source, priority, settleAt: Date.now() });
  } else {
    await looks.promise(named);
  }
  const study = await ledger.studies.get(studyUid);
  if (study === undefined) throw new DeepHealthError('ledger.refused');
  return study;
}
