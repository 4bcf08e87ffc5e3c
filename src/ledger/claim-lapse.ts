import { sql } from 'kysely';
import { ERROR_KINDS } from '../errors/error.ts';
import type { LedgerContext, Trx } from './context.ts';
import { record } from './events.ts';
import { jobOf } from './rows.ts';
import type { StudyRow } from './schema.ts';
import { enter } from './study-rows.ts';
import type { ReadingJob } from './types.ts';

/**
 * Readers that died over a study, one after another, before it is parked. The last of them read it alone (see
 * reading/alone.ts), so that a study is not parked for what another one did.
 */
const MAX_DEATHS = 5;

/** Studies taken up in one transaction. */
const BATCH = 100;

export interface LapseOptions {
  readonly maxDeaths?: number;
  readonly limit?: number;
}

/** Studies whose lease ran out: their readers died, or hang. */
export async function reap(context: LedgerContext, options: LapseOptions): Promise<readonly ReadingJob[]> {
  const lapsed = (db: Pick<Trx, 'selectFrom'>) =>
    db
      .selectFrom('studies')
      .selectAll()
      .where('state', '=', sql.lit('reading'))
      .where('lease_until', '<=', context.now())
      .orderBy('lease_until')
      .limit(options.limit ?? BATCH);
  const any = await context.read((db) => lapsed(db).executeTakeFirst());
  if (any === undefined) return [];
  return context.write(async (trx) => {
    const query = lapsed(trx);
    const rows = await (context.dialect === 'postgres' ? query.forUpdate().skipLocked() : query).execute();
    return takeAway(context, trx, rows, options);
  });
}

/** What a worker held when it died. */
export function releaseWorker(
  context: LedgerContext,
  worker: string,
  options: LapseOptions,
): Promise<readonly ReadingJob[]> {
  return context.write(async (trx) => {
    const query = trx
      .selectFrom('studies')
      .selectAll()
      .where('state', '=', sql.lit('reading'))
      .where('worker', '=', worker);
    const rows = await (context.dialect === 'postgres' ? query.forUpdate().skipLocked() : query).execute();
    return takeAway(context, trx, rows, options);
  });
}

async function takeAway(
  context: LedgerContext,
  trx: Trx,
  rows: readonly StudyRow[],
  { maxDeaths = MAX_DEATHS }: LapseOptions,
): Promise<readonly ReadingJob[]> {
  const now = context.now();
  const jobs: ReadingJob[] = [];
  for (const row of rows) {
    const event = { studyUid: row.study_uid, run: row.run, at: now, subject: row.worker };
    const fence = row.fence + 1;
    if (row.deaths >= maxDeaths) {
      const reason = { code: 'queue.poison', message: ERROR_KINDS['queue.poison'].meaning };
      await enter(context, trx, row.study_uid, { state: 'failed', reason }, { fence });
      await record(trx, { ...event, kind: 'failed', reason });
    } else {
      await enter(context, trx, row.study_uid, { state: 'queued', dueAt: now, publishedAt: null }, { fence });
      await record(trx, { ...event, kind: 'lease-expired' });
      jobs.push(jobOf(row));
    }
  }
  return jobs;
}
