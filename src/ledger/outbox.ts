import { sql } from 'kysely';
import type { LedgerContext, Trx } from './context.ts';
import { jobOf, priorityNumber } from './rows.ts';
import { type Instant, type Ledger, PRIORITIES, type ReadingJob } from './types.ts';

/** Jobs of one statement. */
const CHUNK = 500;

/** Which queued studies a broker still has to be told of. */
export function outbox(context: LedgerContext): Ledger['outbox'] {
  return {
    unpublished: (limit) =>
      context.read(async (db) => {
        const jobs: ReadingJob[] = [];
        for (const priority of PRIORITIES) {
          const rows = await db
            .selectFrom('studies')
            .select(['study_uid', 'run', 'priority'])
            .where('state', '=', sql.lit('queued'))
            .where('published_at', 'is', null)
            .where('priority', '=', priorityNumber(priority))
            .where('due_at', '<=', context.now())
            .orderBy('due_at')
            .limit(limit - jobs.length)
            .execute();
          jobs.push(...rows.map(jobOf));
        }
        return jobs;
      }),

    published: (jobs) => context.write((trx) => setPublished(trx, jobs, context.now())),
    givenUp: (jobs) => context.write((trx) => setPublished(trx, jobs, null)),

    forgetPublished: (priority, before) =>
      context.write(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('studies')
          .set({ published_at: null })
          .where('state', '=', sql.lit('queued'))
          .where('priority', '=', priorityNumber(priority))
          .where('published_at', '<', before)
          .executeTakeFirst();
        return Number(numUpdatedRows);
      }),
  };
}

/**
 * Notes for each job whether a broker has it. Only for the run and the priority that the job was made for: a
 * study that moved on meanwhile has a job of its own to be told of.
 */
async function setPublished(
  trx: Trx,
  jobs: readonly ReadingJob[],
  publishedAt: Instant | null,
): Promise<void> {
  for (const group of Map.groupBy(jobs, (job) => `${job.run} ${job.priority}`).values()) {
    for (let at = 0; at < group.length; at += CHUNK) {
      const chunk: readonly ReadingJob[] = group.slice(at, at + CHUNK);
      const [first] = chunk;
      if (first === undefined) continue;
      await trx
        .updateTable('studies')
        .set({ published_at: publishedAt })
        .where(
          'study_uid',
          'in',
          chunk.map((job) => job.studyUid),
        )
        .where('run', '=', first.run)
        .where('priority', '=', priorityNumber(first.priority))
        .where('state', '=', 'queued')
        .execute();
    }
  }
}
