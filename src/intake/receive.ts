import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Acceptance, ReceivedInstance, ReceiveSink, StowReceipt } from '../dicom/web/receive.ts';
import { REASON } from '../dicom/web/store-response.ts';
import { isThere } from '../files/is-there.ts';
import { makeFolder } from '../files/make-folder.ts';
import { syncFolder } from '../files/sync-folder.ts';
import type { InstanceNotice, Ledger } from '../ledger/types.ts';
import { instanceUid, type StudyUid, studyUid } from '../ledger/uids.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import { reached } from '../reading/stop-points.ts';
import type { Arrivals } from './arrivals.ts';
import { type DataFolder, studyFolderName } from './data-folder.ts';
import type { StorageWatch } from './storage-watch.ts';

export interface Receiving {
  readonly ledger: Pick<Ledger, 'studies' | 'films'>;
  readonly folder: DataFolder;
  readonly storage: StorageWatch;
  readonly log: Log;
  /** Milliseconds that a pushed study waits at most for another request after its last one. */
  settleMs(): number;
  stopping(): boolean;
  readonly arrivals?: Arrivals;
  /** A film is on disk and in the ledger. */
  onStored?(study: StudyUid, film: InstanceNotice): void;
}

/** A study whose request broke off settles after this time without another instance. */
const BROKEN_OFF_MS = 60_000;

/** Where pushed films go: into the study's folder, then into the ledger, then the sender hears of it. */
export function createReceiveSink(receiving: Receiving): ReceiveSink {
  const { ledger, folder, storage, log } = receiving;
  let low = false;

  async function admit(bytes?: number) {
    if (receiving.stopping()) return { kind: 'busy', retryAfterSeconds: 10 } as const;
    const nowLow = await storage.low();
    if (nowLow !== low) {
      low = nowLow;
      if (low) log.warn({ code: 'storage.low', free: storage.free }, 'Intake stops: the disk is nearly full');
      else log.info({ free: storage.free }, 'Intake goes on: there is room again');
    }
    if (low) return { kind: 'disk-low' } as const;
    if (bytes === undefined || (await storage.fits(bytes))) return { kind: 'open' } as const;
    log.warn(
      { code: 'storage.low', bytes, free: storage.free },
      'A push has more bytes than there is room for',
    );
    return { kind: 'disk-low' } as const;
  }

  async function accept(instance: ReceivedInstance): Promise<Acceptance> {
    const { identity, size, sha256, last } = instance;
    const study = studyUid(identity.studyInstanceUid);
    const home = join(folder.films, studyFolderName(study));
    // Named by its bytes: the same film sent again lands on itself.
    const path = join(home, `${sha256}.dcm`);
    await makeFolder(home, 0o750);
    await rename(instance.path, path);
    const noted = receiving.arrivals?.note(path, sha256);
    await Promise.all([syncFolder(home), syncFolder(folder.films), noted]);
    reached('intake.on-disk');
    const notice: InstanceNotice = {
      sopUid: instanceUid(identity.sopInstanceUid),
      seriesUid: identity.seriesInstanceUid,
      sopClassUid: identity.sopClassUid,
      role: 'film',
      location: { kind: 'file', path: folder.relative(path) },
      sha256,
      bytes: size,
    };
    // If this fails the file stays: the commit may have happened, or the same film come in by another request.
    // The sender sends again and it lands on itself.
    const outcome = await ledger.studies.notice({
      studyUid: study,
      source: { kind: 'receive', pacs: null },
      priority: 'routine',
      settleAt: Date.now() + (last ? receiving.settleMs() : BROKEN_OFF_MS),
      instances: [notice],
    });
    reached('intake.recorded');
    switch (outcome.instances[0]?.kind) {
      case 'conflict':
        await rm(path, { force: true });
        return { kind: 'conflict' };
      case 'duplicate':
        if (!(await isRecorded(notice, study))) await rm(path, { force: true });
        return { kind: 'duplicate' };
      default:
        // Whoever has this study forgotten at this very moment takes the film that just came away with it: its sender
        // sends it again.
        if (!(await isThere(path))) return { kind: 'refused', reason: REASON.processingFailure };
        receiving.onStored?.(study, notice);
        return { kind: 'stored' };
    }
  }

  /** Whether the ledger points to this very file; unknown counts as yes, a file too many does no harm. */
  async function isRecorded(notice: InstanceNotice, study: ReturnType<typeof studyUid>): Promise<boolean> {
    if (notice.location.kind !== 'file') return false;
    const { path } = notice.location;
    try {
      const known = await ledger.films.list(study);
      return known.some(({ location }) => location.kind === 'file' && location.path === path);
    } catch {
      return true;
    }
  }

  return { admit, accept, room: () => storage.room() };
}

/**
 * The request has ended: its studies are complete unless another request follows soon. The time is in the ledger,
 * so it also comes when this process does not live to see that the sender went quiet.
 */
export async function settleReceived(receiving: Receiving, receipt: StowReceipt): Promise<void> {
  if (!receipt.complete) return;
  for (const study of receipt.studies) {
    // Recorded together with its last film.
    if (study === receipt.endedWith) continue;
    try {
      await receiving.ledger.studies.notice({
        studyUid: studyUid(study),
        source: { kind: 'receive', pacs: null },
        priority: 'routine',
        settleAt: Date.now() + receiving.settleMs(),
      });
    } catch (error) {
      // The instances are recorded and settle by themselves a little later: the sender's success stands.
      receiving.log.warn(loggedFailure(error), 'A pushed study could not be settled yet');
    }
  }
}
