import { randomUUID } from 'node:crypto';
import type { DicomWebClient } from '../dicom/web/client.ts';
import type { Ledger, Priority } from '../ledger/types.ts';
import { type StudyUid, studyUid } from '../ledger/uids.ts';
import { listInstances } from '../reading/gather.ts';
import type { IntakeRules } from './film-classes.ts';

/** A known study that somebody named again: it has to be looked at for new films. */
export interface Look {
  readonly studyUid: StudyUid;
  readonly pacs: string | null;
  readonly priority: Priority;
}

/** A look with a name of its own: one that is promised anew while it is made has to be made once more. */
interface Promised extends Look {
  readonly id: string;
}

/**
 * Looks at archives that were promised to somebody who could not wait: Orthanc holds its own locks while its
 * script calls us, so asking it anything before we have answered would make both wait for each other. A
 * promise is in the ledger before it is given, and outlives the process.
 */
export interface Looks {
  /** Resolves when the look is recorded. */
  promise(look: Look): Promise<void>;
  /** Makes the oldest look; false when none is promised. Throws what the archive or the ledger throws. */
  make(): Promise<boolean>;
}

export interface LooksParts {
  readonly ledger: Pick<Ledger, 'polls' | 'studies'>;
  /** Name of this process; each has a list of its own. */
  readonly worker: string;
  archives(): ReadonlyMap<string, DicomWebClient>;
  select(): IntakeRules;
}

export function createLooks({ ledger, worker, archives, select }: LooksParts): Looks {
  const key = `looks ${worker}`;
  let turn: Promise<unknown> = Promise.resolve();

  /** One change of the list at a time. */
  function change(edit: (looks: readonly Promised[]) => readonly Promised[]): Promise<readonly Promised[]> {
    const done = turn.then(async () => {
      const before = parseLooks(await ledger.polls.cursor(key));
      const after = edit(before);
      if (after !== before) await ledger.polls.saveCursor(key, JSON.stringify(after));
      return after;
    });
    turn = done.catch(() => {});
    return done;
  }

  return {
    async promise(look) {
      await change((looks) => [
        ...looks.filter((each) => each.studyUid !== look.studyUid),
        { ...look, id: randomUUID() },
      ]);
    },
    async make() {
      const [look] = await change((looks) => looks);
      if (look === undefined) return false;
      try {
        await make(look, { ledger, archives, select });
      } catch (error) {
        // The next one may be in an archive that answers.
        await change((looks) =>
          looks.some(({ id }) => id === look.id) ? [...without(looks, look), look] : looks,
        );
        throw error;
      }
      await change((looks) => without(looks, look));
      return true;
    },
  };
}

function without(looks: readonly Promised[], { id }: Promised): readonly Promised[] {
  return looks.filter((each) => each.id !== id);
}

async function make(look: Look, { ledger, archives, select }: Omit<LooksParts, 'worker'>): Promise<void> {
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

function parseLooks(text: string | undefined): readonly Promised[] {
  if (text === undefined) return [];
  const entries = JSON.parse(text) as (Omit<Promised, 'studyUid'> & { studyUid: string })[];
  return entries.map((entry) => ({ ...entry, studyUid: studyUid(entry.studyUid) }));
}
