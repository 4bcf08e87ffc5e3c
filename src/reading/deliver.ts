import type { ErrorCode } from '../errors/error.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import type { Delivery, DeliveryClaim, Ledger, ReportObject } from '../ledger/types.ts';
import type { StudyUid } from '../ledger/uids.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { StudyKey } from '../observe/study-key.ts';
import { keepLease } from './lease.ts';
import { type Loop, type Step, startLoop } from './loop.ts';
import { objectBytes } from './object-bytes.ts';
import { codeOf, verdictOf } from './retry.ts';
import { reached } from './stop-points.ts';

/** An object on its way: the bytes exactly as they were made. */
export interface Shipment {
  readonly studyUid: StudyUid;
  readonly object: ReportObject;
  readonly bytes: Uint8Array;
}

/** What one attempt came to. */
export type SendOutcome =
  | { readonly kind: 'sent' }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message?: string;
      /** The peer asked to wait so long (Retry-After). */
      readonly askedWaitMs?: number;
    };

/** Where results go. */
export interface Destination {
  readonly name: string;
  readonly via: Delivery['via'];
  /** One attempt. What it throws counts as failed with the error's code. */
  send(shipment: Shipment): Promise<SendOutcome>;
  close(): Promise<void>;
}

export interface Delivering {
  readonly ledger: Pick<Ledger, 'deliveries' | 'readings'>;
  readonly folder: DataFolder;
  readonly log: Log;
  readonly keyOf: StudyKey;
  readonly metrics: Metrics;
  readonly worker: string;
  /** Aborted when the process must end now. */
  readonly signal: AbortSignal;
  /** Something was sent: others may have waited for it. */
  readonly onSent: () => void;
}

const LEASE_MS = 60_000;
const PAUSE_MS = 500;

/**
 * The worker of one destination: claim, send, record. Each destination has its own, so a dead one holds up
 * no other; the ledger keeps the order within a study.
 */
export function startDelivering(destination: Destination, delivering: Delivering): Loop {
  const { ledger, log, worker, signal } = delivering;
  return startLoop({
    name: `deliver to ${destination.name}`,
    log,
    pauseMs: PAUSE_MS,
    signal,
    async step(): Promise<Step> {
      const claim = await ledger.deliveries.claim({
        destination: destination.name,
        worker,
        leaseMs: LEASE_MS,
      });
      if (claim === undefined) return { kind: 'idle' };
      await deliverOne(destination, claim, delivering);
      return { kind: 'worked' };
    },
  });
}

async function deliverOne(
  destination: Destination,
  claim: DeliveryClaim,
  delivering: Delivering,
): Promise<void> {
  const { ledger, log, keyOf, metrics } = delivering;
  const { delivery } = claim;
  if (destination.via !== 'folder') reached(`delivery.${destination.via}-claimed`);
  const lease = keepLease(claim, LEASE_MS, ledger.deliveries.extend);
  const began = performance.now();
  let outcome: SendOutcome;
  try {
    outcome = await attempt(destination, delivery, delivering);
  } finally {
    lease.release();
  }
  if (outcome.kind === 'sent' && destination.via !== 'folder') reached(`delivery.${destination.via}-sent`);
  const entry = {
    study: keyOf(delivery.studyUid),
    destination: destination.name,
    object: delivery.object.kind,
    attempt: delivery.attempts,
    ms: Math.round(performance.now() - began),
  };
  if (outcome.kind === 'sent') {
    const { study } = await ledger.deliveries.sent(lease.claim);
    if (destination.via !== 'folder') reached(`delivery.${destination.via}-recorded`);
    metrics.delivered(destination.name, delivery.object.kind);
    log.info(entry, 'Delivered');
    delivering.onSent();
    if (study === 'delivered') log.info({ study: entry.study }, 'Everything of the study is delivered');
    return;
  }
  if (outcome.code === 'mllp.closed' || outcome.code === 'service.stopping') {
    await ledger.deliveries.putBack(lease.claim);
    return;
  }
  const now = Date.now();
  const attempts = {
    failures: delivery.attempts,
    firstAttemptAt: delivery.firstAttemptAt ?? now,
    now,
    askedWaitMs: outcome.askedWaitMs,
  };
  const verdict = verdictOf(outcome.code, attempts, outcome.message);
  metrics.deliveryFailed(destination.name, outcome.code);
  if (verdict.kind === 'park') {
    await ledger.deliveries.parked(lease.claim, verdict.reason);
    log.error({ ...entry, ...verdict.reason }, 'A delivery is parked: somebody has to act');
  } else {
    await ledger.deliveries.failed(lease.claim, verdict.reason, verdict.at);
    log.warn({ ...entry, ...verdict.reason, inMs: verdict.at - now }, 'A delivery failed; it is tried again');
  }
}

async function attempt(
  destination: Destination,
  delivery: Delivery,
  { ledger, folder, log }: Delivering,
): Promise<SendOutcome> {
  try {
    const bytes = await objectBytes(delivery.object, ledger, folder);
    if (bytes === undefined) return { kind: 'failed', code: 'delivery.object-gone' };
    return await destination.send({ studyUid: delivery.studyUid, object: delivery.object, bytes });
  } catch (error) {
    const failure = codeOf(error);
    if (failure.code === 'internal.unexpected') {
      log.error(
        { destination: destination.name, ...loggedFailure(error) },
        'A delivery met an unknown failure',
      );
    }
    return { kind: 'failed', ...failure };
  }
}
