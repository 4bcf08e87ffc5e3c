/**
 * Places between two steps where a test can have the process killed, to prove that nothing is lost there.
 * This is the only place that reads DEEP_HEALTH_STOP_AT; without it every call returns at once.
 */
export type StopPoint =
  /** Received bytes are on disk, the ledger does not know them. */
  | 'intake.on-disk'
  /** The ledger knows them, the sender has no answer. */
  | 'intake.recorded'
  /** The study is in the ledger's queue, nobody was told. */
  | 'intake.settled'
  /** A reader holds the study. */
  | 'reading.claimed'
  | 'reading.fetched'
  | 'reading.inferred'
  /** SR, heat map and ORU exist in memory only. */
  | 'reading.made'
  /** Large results are in files that the ledger does not know. */
  | 'reading.stored'
  | 'reading.recorded'
  /** A delivery is claimed, nothing was sent. */
  | 'delivery.pacs-claimed'
  /** The PACS has it, the ledger does not know. */
  | 'delivery.pacs-sent'
  | 'delivery.pacs-recorded'
  | 'delivery.ris-claimed'
  | 'delivery.ris-sent'
  | 'delivery.ris-recorded';

const stopAt = process.env.DEEP_HEALTH_STOP_AT;

/** Says that a step is done; the process ends here at once if the test asked for it. */
export function reached(point: StopPoint): void {
  if (point === stopAt) process.kill(process.pid, 'SIGKILL');
}
