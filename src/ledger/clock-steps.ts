import { sql } from 'kysely';
import type { LedgerContext } from './context.ts';
import type { Ledger } from './types.ts';

/**
 * Times in the ledger are wall-clock times, and a wall clock can be set back: what was due now is then due in an
 * hour, and the lease of a dead reader outlives it by as much. No time in the ledger is further ahead than the
 * longest pause of its kind, so whatever is was written before such a step, and is brought back to it.
 */
export function clockSteps(context: LedgerContext): Ledger['clockSteps'] {
  return {
    pullIn: ({ readAgainMs, sendAgainMs, leaseMs, settleMs }) =>
      context.write(async (trx) => {
        const now = context.now();
        let changed = 0n;
        const queued = await trx
          .updateTable('studies')
          .set({ due_at: now, published_at: null })
          .where('state', '=', sql.lit('queued'))
          .where((where) =>
            where.or([
              where('due_at', '>', now + readAgainMs),
              where('published_at', '>', now + readAgainMs),
            ]),
          )
          .executeTakeFirst();
        changed += queued.numUpdatedRows;
        const reading = await trx
          .updateTable('studies')
          .set({ lease_until: now + leaseMs })
          .where('state', '=', sql.lit('reading'))
          .where('lease_until', '>', now + leaseMs)
          .executeTakeFirst();
        changed += reading.numUpdatedRows;
        for (const kind of ['receive', 'poll', 'notify'] as const) {
          const settling = await trx
            .updateTable('studies')
            .set({ settle_at: now + settleMs[kind] })
            .where('state', '=', sql.lit('settling'))
            .where('source_kind', '=', kind)
            .where('settle_at', '>', now + settleMs[kind])
            .executeTakeFirst();
          changed += settling.numUpdatedRows;
        }
        const idle = await trx
          .updateTable('deliveries')
          .set({ next_attempt_at: now })
          .where('state', '=', sql.lit('pending'))
          .where('worker', 'is', null)
          .where('next_attempt_at', '>', now + sendAgainMs)
          .executeTakeFirst();
        changed += idle.numUpdatedRows;
        const underway = await trx
          .updateTable('deliveries')
          .set({ next_attempt_at: now + leaseMs })
          .where('state', '=', sql.lit('pending'))
          .where('worker', 'is not', null)
          .where('next_attempt_at', '>', now + leaseMs)
          .executeTakeFirst();
        changed += underway.numUpdatedRows;
        const looks = await trx
          .updateTable('looks')
          .set({ due_at: now + leaseMs })
          .where('due_at', '>', now + leaseMs)
          .executeTakeFirst();
        return Number(changed + looks.numUpdatedRows);
      }),
  };
}
