import { ERROR_KINDS, type ErrorCode } from '../errors/error.ts';
import type { StorageWatch } from '../intake/storage-watch.ts';
import type { Ledger } from '../ledger/types.ts';
import type { Queue } from '../queue/types.ts';

export interface HealthChecks {
  readonly ledger: Pick<Ledger, 'check'>;
  readonly queue: Pick<Queue, 'ready'>;
  readonly storage: StorageWatch;
  readonly stopping: boolean;
}

export interface Readiness {
  readonly ready: boolean;
  /** Codes of what is not ready; their meaning stands in docs/errors.md. */
  readonly problems: readonly string[];
  /** The same in sentences: what each means and what can be done about it. */
  readonly why: readonly { readonly code: string; readonly meaning: string; readonly remedy: string }[];
}

const LONGEST_CHECK_MS = 2000;

/** Whether new work can be taken, and if not, why not. */
export async function readiness({ ledger, queue, storage, stopping }: HealthChecks): Promise<Readiness> {
  const problems: ErrorCode[] = [];
  if (stopping) problems.push('service.stopping');
  const [answered, low] = await Promise.all([inTime(ledger.check()), storage.low().catch(() => true)]);
  if (!answered) problems.push('ledger.unreachable');
  if (low) problems.push('storage.low');
  if (!queue.ready()) problems.push('queue.unreachable');
  const why = problems.map((code) => {
    const { meaning, remedy } = ERROR_KINDS[code];
    return { code, meaning, remedy };
  });
  return { ready: problems.length === 0, problems, why };
}

/** An answer serves all who ask within this time: whoever asks in a loop, without sign-in, costs nothing. */
const SHARED_MS = 250;

/** `readiness`, asked once for all who ask at the same time. */
export function sharedReadiness(checks: HealthChecks): () => Promise<Readiness> {
  let current: Promise<Readiness> | undefined;
  return () => {
    if (current === undefined) {
      const asked = readiness(checks);
      current = asked;
      const forget = () => void setTimeout(() => (current = undefined), SHARED_MS).unref();
      asked.then(forget, forget);
    }
    return current;
  };
}

async function inTime(check: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), LONGEST_CHECK_MS);
  });
  const done = check.then(
    () => true,
    () => false,
  );
  return Promise.race([done, late]).finally(() => clearTimeout(timer));
}
