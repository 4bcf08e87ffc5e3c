import type { DicomWebClient } from '../dicom/web/client.ts';
import { DeepHealthError, ERROR_KINDS } from '../errors/error.ts';
import { nextAttempt, type RetryPolicy } from '../errors/retry.ts';
import type { Instant, Ledger, Look, LookClaim, Reason } from '../ledger/types.ts';
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
  /**
   * Makes the oldest look; false when none is due. One that an archive does not answer is recorded and made again
   * later, and holds up no other. Throws what the ledger throws.
   */
  make(): Promise<boolean>;
}

export interface LooksParts {
  readonly ledger: Pick<Ledger, 'looks' | 'studies'>;
  archives(): ReadonlyMap<string, DicomWebClient>;
  select(): IntakeRules;
  /** A look failed and is made again; `inARow` have failed since the last one that did not. */
  onFailed?(look: Look, error: unknown, inARow: number): void;
  /** A look is not made again. */
  onGivenUp?(look: Look, reason: Reason): void;
  /** The time; default `Date.now`. */
  now?(): Instant;
}

/** A process that died over a look leaves it to the next one after this time. */
const LEASE_MS = 60_000;
/**
 * Longer than an archive is away: over a long weekend, or a move. The longest pause is that of a lease, as with whatever
 * else is in the ledger when the clock is set back.
 */
const AGAIN: RetryPolicy = { baseMs: 1000, capMs: LEASE_MS, giveUpAfterMs: 7 * 24 * 60 * 60_000 };
/** Before that many it is not given up: the service may have been off for most of the time, or the clock been set. */
const LEAST_FAILURES = 50;

export function createLooks(parts: LooksParts): Looks {
  const { ledger, now = Date.now } = parts;
  let inARow = 0;

  async function failed(claim: LookClaim, error: unknown): Promise<void> {
    const failures = claim.failures + 1;
    const attempts = { failures, firstAttemptAt: claim.firstFailedAt ?? now(), now: now() };
    const next = nextAttempt('transient', attempts, AGAIN);
    if (next.kind === 'give-up' && failures >= LEAST_FAILURES) {
      const reason = { code: 'study.look-given-up', message: `${MEANING} The last time: ${nameOf(error)}.` };
      if (await ledger.looks.givenUp(claim, reason)) parts.onGivenUp?.(claim, reason);
      return;
    }
    inARow += 1;
    parts.onFailed?.(claim, error, inARow);
    // Behind the others: the next one may be in an archive that answers.
    await ledger.looks.failed(claim, next.kind === 'again' ? next.at : now() + AGAIN.capMs);
  }

  return {
    promise: (look) => ledger.looks.promise(look),
    async make() {
      const claim = await ledger.looks.claim(LEASE_MS);
      if (claim === undefined) return false;
      const failure = await make(claim, parts);
      if (failure !== undefined) {
        await failed(claim, failure.error);
        return true;
      }
      inARow = 0;
      await ledger.looks.made(claim);
      return true;
    },
  };
}

const MEANING = ERROR_KINDS['study.look-given-up'].meaning;

function nameOf(error: unknown): string {
  return error instanceof DeepHealthError ? error.code : 'internal.unexpected';
}

/**
 * Asks the archives for the study, each until one has it: one that is away hides no other.
 * @returns what failed first where none has it; what the ledger throws is thrown
 */
async function make(
  look: Look,
  { ledger, archives, select }: LooksParts,
): Promise<{ readonly error: unknown } | undefined> {
  const configured = archives();
  const named = look.pacs === null ? [...configured.values()] : [configured.get(look.pacs)];
  // Taken out of the configuration since, all of them or this one: it may be put back.
  const isMissing = named.length === 0 || named.includes(undefined);
  let failure = isMissing ? { error: new DeepHealthError('study.no-pacs') as unknown } : undefined;
  for (const archive of named) {
    if (archive === undefined) continue;
    const instances = await listInstances(archive, look.studyUid, select()).catch((error: unknown) => {
      failure ??= { error };
      return [];
    });
    if (instances.length === 0) continue;
    await ledger.studies.notice({
      studyUid: look.studyUid,
      source: { kind: 'notify', pacs: look.pacs },
      priority: look.priority,
      settleAt: Date.now(),
      instances,
    });
    return undefined;
  }
  return failure;
}
