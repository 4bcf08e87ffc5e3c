import type { Priority, ReadingJob } from '../ledger/types.ts';
import { studyUid } from '../ledger/uids.ts';

/** Longest message that is looked at, in bytes; ours are about 120. */
const LONGEST = 1024;

/** The bytes that a broker carries for a job: which study, which run. Nothing about the patient. */
export function jobMessage(job: ReadingJob): Buffer {
  return Buffer.from(JSON.stringify({ study: job.studyUid, run: job.run }));
}

export type ParsedJob =
  | { readonly kind: 'job'; readonly job: ReadingJob }
  /** Not a message of ours. */
  | { readonly kind: 'unreadable' };

/** Reads a message from the queue of that priority. */
export function parseJob(content: Uint8Array, priority: Priority): ParsedJob {
  if (content.length > LONGEST) return { kind: 'unreadable' };
  try {
    const message: unknown = JSON.parse(Buffer.from(content).toString('utf8'));
    if (typeof message !== 'object' || message === null) return { kind: 'unreadable' };
    const { study, run } = message as { study?: unknown; run?: unknown };
    if (typeof study !== 'string' || typeof run !== 'number' || !Number.isSafeInteger(run) || run < 1) {
      return { kind: 'unreadable' };
    }
    return { kind: 'job', job: { studyUid: studyUid(study), run, priority } };
  } catch {
    return { kind: 'unreadable' };
  }
}
