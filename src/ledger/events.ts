import type { Trx } from './context.ts';
import { reasonColumns, storableOrNull } from './rows.ts';
import type { Instant, Reason, StudyEvent } from './types.ts';
import type { StudyUid } from './uids.ts';

/** One more line in the study's history. */
export async function record(
  trx: Trx,
  event: {
    readonly studyUid: StudyUid;
    readonly run: number;
    readonly at: Instant;
    readonly kind: StudyEvent['kind'];
    readonly subject?: string | null;
    readonly reason?: Reason | null;
  },
): Promise<void> {
  await trx
    .insertInto('events')
    .values({
      study_uid: event.studyUid,
      run: event.run,
      at: event.at,
      kind: event.kind,
      subject: storableOrNull(event.subject ?? null),
      ...reasonColumns(event.reason ?? null),
    })
    .execute();
}
