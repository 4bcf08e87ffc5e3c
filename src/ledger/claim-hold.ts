import type { LedgerContext, Trx } from './context.ts';
import { enterInstances } from './films.ts';
import type { StudyRow } from './schema.ts';
import type { InstanceNotice, Selection, StudyClaim } from './types.ts';

/** Whether the claim still holds its study. */
export function isHeld(row: StudyRow | undefined, claim: StudyClaim): row is StudyRow {
  return row !== undefined && row.state === 'reading' && row.fence === claim.token;
}

/**
 * Whether this very claim has already ended: only a claim's own outcome leaves `reading` without a new fence,
 * so an equal fence in another state means that the outcome was recorded and its answer lost.
 */
export function hasEnded(row: StudyRow | undefined, claim: StudyClaim): boolean {
  return row !== undefined && row.state !== 'reading' && row.fence === claim.token;
}

/** Enters instances and keeps the study's counts. */
export async function addInstances(
  context: LedgerContext,
  trx: Trx,
  row: StudyRow,
  instances: readonly (InstanceNotice & { readonly selection?: Selection })[],
): Promise<void> {
  const entry = await enterInstances(context, trx, row.study_uid, instances);
  if (entry.added === 0) return;
  await trx
    .updateTable('studies')
    .set({
      instance_count: row.instance_count + entry.added,
      film_count: row.film_count + entry.addedFilms,
      last_instance_at: context.now(),
    })
    .where('study_uid', '=', row.study_uid)
    .execute();
}
