import type { DicomWebClient } from '../dicom/web/client.ts';
import type { Ledger, Look } from '../ledger/types.ts';
import { listInstances } from '../reading/gather.ts';
import type { IntakeRules } from './film-classes.ts';

/**
 * Looks at archives that were promised to somebody who could not wait: Orthanc holds its own locks while its
 * script calls us, so asking it anything before we have answered would make both wait for each other. A
 * promise is in the ledger before it is given, and whichever process is there keeps it.
 */
export interface Looks {
  /** Resolves when the look is recorded. */
  promise(look: Look): Promise<void>;
  /** Makes the oldest look; false when none is due. Throws what the archive or the ledger throws. */
  make(): Promise<boolean>;
}

export interface LooksParts {
  readonly ledger: Pick<Ledger, 'looks' | 'studies'>;
  archives(): ReadonlyMap<string, DicomWebClient>;
  select(): IntakeRules;
}

/** A process that died over a look leaves it to the next one after this time. */
const LEASE_MS = 60_000;

export function createLooks(parts: LooksParts): Looks {
  const { ledger } = parts;
  return {
    promise: (look) => ledger.looks.promise(look),
    async make() {
      const claim = await ledger.looks.claim(LEASE_MS);
      if (claim === undefined) return false;
      try {
        await make(claim, parts);
      } catch (error) {
        // Behind the others: the next one may be in an archive that answers.
        await ledger.looks.failed(claim, Date.now());
        throw error;
      }
      await ledger.looks.made(claim);
      return true;
    },
  };
}

async function make(look: Look, { ledger, archives, select }: LooksParts): Promise<void> {
  const configured = archives();
  const named = look.pacs === null ? [...configured.values()] : [configured.get(look.pacs)];
  for (const archive of named) {
    if (archive === undefined) continue;
    const instances = await listInstances(archive, look.studyUid, select());
    if (instances.length === 0) continue;
    await ledger.studies.notice({
      studyUid: look.studyUid,
      source: { kind: 'notify', pacs: look.pacs },
      priority: look.priority,
      settleAt: Date.now(),
      instances,
    });
    return;
  }
}
