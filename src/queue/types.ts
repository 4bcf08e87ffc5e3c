import type { Priority, ReadingJob, StudyClaim } from '../ledger/types.ts';

/**
 * Takes one claimed study and brings it to an end in the ledger (report, skip, fail, retryLater, putBack). The
 * lease is kept up while it works; `signal` is aborted when the study was taken away all the same (fenced).
 * What it throws is given to `onError`; the lease then runs out and the study is taken up again.
 */
export type StudyHandler = (claim: StudyClaim, signal: AbortSignal) => Promise<void>;

export interface ConsumeOptions {
  /** Studies in work at the same time; at least 1. */
  readonly concurrency: number;
  readonly onError?: (error: unknown) => void;
}

export interface Consumer {
  /** Takes no more; resolves when the studies in hand are ended. */
  stop(): Promise<void>;
}

/**
 * Brings queued studies to readers, stat before routine. The ledger is the truth: a job that is carried twice,
 * late or for an ended run does no harm, and one that got lost is found by `sweep`.
 */
export interface Queue {
  readonly kind: 'embedded' | 'rabbitmq';
  /**
   * Announces jobs that the ledger holds as queued. Resolves when they are safe (confirmed by the broker and
   * noted in the ledger); throws `queue.unreachable` or `queue.unconfirmed`, and `sweep` goes on with them.
   */
  publish(jobs: readonly ReadingJob[]): Promise<void>;
  consume(handler: StudyHandler, options: ConsumeOptions): Promise<Consumer>;
  /** Publishes what the ledger holds as queued and no broker has; gives how many. Call it every second or so. */
  sweep(): Promise<number>;
  /** Jobs that wait to be taken; a double may be counted twice. Throws when it cannot be asked. */
  depth(): Promise<Readonly<Record<Priority, number>>>;
  /** Whether jobs can be carried now; for readiness. */
  ready(): boolean;
  /** Stops every consumer, waits for the studies in hand, closes the connection. */
  close(): Promise<void>;
}
