import type { LedgerContext } from './context.ts';
import { storable } from './rows.ts';
import type { Ledger } from './types.ts';

/** What the poller of each PACS has to remember between two polls. */
export function polls(context: LedgerContext): Ledger['polls'] {
  return {
    observe: (pacs, studyUid, instances) =>
      context.write(async (trx) => {
        const row = await trx
          .selectFrom('poll_observations')
          .select(['instances', 'polls'])
          .where('pacs', '=', pacs)
          .where('study_uid', '=', studyUid)
          .executeTakeFirst();
        const same = row?.instances === instances;
        const observed = { instances, polls: same ? row.polls + 1 : 1, at: context.now() };
        await trx
          .insertInto('poll_observations')
          .values({ pacs: storable(pacs), study_uid: studyUid, ...observed })
          .onConflict((conflict) => conflict.columns(['pacs', 'study_uid']).doUpdateSet(observed))
          .execute();
        return same ? { kind: 'same', polls: observed.polls } : { kind: 'changed' };
      }),
  };
}
