import { ERROR_KINDS, type ErrorCode } from '../errors/error.ts';
import type { ErrorKind } from '../errors/kinds.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import type { Delivery, DeliveryClaim, Ledger, ReportObject } from '../ledger/types.ts';
import type { StudyUid } from '../ledger/uids.ts';
import type { AuditInForce } from '../observe/audit/in-force.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { StudyKey } from '../observe/study-key.ts';
import type { JustMade } from './just-made.ts';
import { keepLease } from './lease.ts';
import { type Loop, type Step, startLoop } from './loop.ts';
import { noteDelivery } from './note-delivery.ts';
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
  /** Host, for the audit trail. */
  readonly address?: string;
  /** One attempt. What it throws counts as failed with the error's code. */
  send(shipment: Shipment): Promise<SendOutcome>;
  close(): Promise<void>;
}

export interface Delivering {
  readonly ledger: Pick<Ledger, 'deliveries' | 'readings' | 'studies'>;
  readonly folder: DataFolder;
  readonly justMade?: JustMade | undefined;
  readonly log: Log;
  readonly keyOf: StudyKey;
  readonly metrics: Metrics;
  readonly audit: AuditInForce;
  readonly worker: string;
  /** Aborted when the process must end now. */
  readonly signal: AbortSignal;
  /** Something was sent: others may have waited for it. */
  readonly onSent: () => void;
}

const LEASE_MS = 60_000;
const PAUSE_MS = 500;
/** Pauses between attempts at a destination of which one after the other fails. */
const FIRST_REST_MS = 250;
const LONGEST_REST_MS = 15_000;

/**
 * The workers of one destination: claim, send, record. Each destination has its own, so a dead one holds up
 * no other; the ledger keeps the order within a study.
 *
 * @param lines studies that are on their way there at the same time. An archive takes the next while it still stores
 * the last (docs/decisions/0135). While it fails, one of them tries.
 */
export function startDelivering(destination: Destination, delivering: Delivering, lines = 1): Loop {
  const rest = restOf();
  const loops = Array.from({ length: lines }, (_, line) => startLine(destination, delivering, rest, line));
  return {
    wake() {
      for (const loop of loops) loop.wake();
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

function startLine(destination: Destination, delivering: Delivering, rest: Rest, line: number): Loop {
  const { ledger, log, worker, signal } = delivering;
  return startLoop({
    name: `deliver to ${destination.name}`,
    log,
    pauseMs: PAUSE_MS,
    signal,
    async step(): Promise<Step> {
      // With a day's backlog, trying each object in turn would keep processor and disk busy for nothing.
      const waitMs = rest.leftMs();
      if (waitMs > 0) return { kind: 'idle', waitMs };
      if (line > 0 && rest.failing()) return { kind: 'idle' };
      let claim = await ledger.deliveries.claim({
        destination: destination.name,
        worker,
        leaseMs: LEASE_MS,
      });
      if (claim === undefined) return { kind: 'idle' };
      while (claim !== undefined) {
        const ended: Ended = await deliverOne(destination, claim, delivering);
        if (ended.kind === 'again') rest.failed(ended.code);
        // It answers again: what was put off because it did not is due now, stat first.
        else await rest.over((codes) => ledger.deliveries.dueAgain(destination.name, codes));
        claim = ended.kind === 'sent' ? ended.next : undefined;
      }
      return { kind: 'worked' };
    },
  });
}

/** How one attempt ended; `again`: it may be the destination's fault. */
type Ended =
  /** `next`: what goes there of the same study, claimed already. */
  | { readonly kind: 'sent'; readonly next?: DeliveryClaim }
  | { readonly kind: 'parked' | 'put-back' }
  | { readonly kind: 'again'; readonly code: ErrorCode };

/** How long a destination is left alone: longer with every failure in a row, not at all after a success. */
interface Rest {
  leftMs(): number;
  /** Whether the last attempt failed. */
  failing(): boolean;
  failed(code: ErrorCode): void;
  /** It answers. `then` is told what had failed. */
  over(then: (codes: readonly ErrorCode[]) => Promise<unknown>): Promise<void>;
}

function restOf(): Rest {
  const codes = new Set<ErrorCode>();
  let failures = 0;
  let until = 0;
  return {
    leftMs: () => until - performance.now(),
    failing: () => failures > 0,
    failed(code) {
      failures += 1;
      const kind: ErrorKind = ERROR_KINDS[code];
      // What is counted for each object keeps its own pauses.
      if (kind.attempts === undefined) codes.add(code);
      const longest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures - 1, 10));
      until = performance.now() + longest * (0.5 + Math.random() / 2);
    },
    async over(then) {
      const failedBefore = [...codes];
      codes.clear();
      failures = 0;
      until = 0;
      if (failedBefore.length > 0) await then(failedBefore);
    },
  };
}

async function deliverOne(
  destination: Destination,
  claim: DeliveryClaim,
  delivering: Delivering,
): Promise<Ended> {
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
    job: `${keyOf(delivery.studyUid)}.${delivery.run}`,
    study: keyOf(delivery.studyUid),
    destination: destination.name,
    object: delivery.object.kind,
    attempt: delivery.attempts,
    ms: Math.round(performance.now() - began),
  };
  if (outcome.kind === 'sent') {
    const { study, next } = await ledger.deliveries.sent(lease.claim, { leaseMs: LEASE_MS });
    if (destination.via !== 'folder') reached(`delivery.${destination.via}-recorded`);
    metrics.delivered(destination.name, delivery.object.kind, entry.ms / 1000);
    log.info(entry, 'Delivered');
    delivering.onSent();
    if (study === 'delivered') {
      log.info({ study: entry.study }, 'Everything of the study is delivered');
      const { lastInstanceAt } = (await ledger.studies.get(delivery.studyUid).catch(() => undefined)) ?? {};
      if (lastInstanceAt != null) metrics.studyReached('delivered', (Date.now() - lastInstanceAt) / 1000);
    }
    return next === undefined ? { kind: 'sent' } : { kind: 'sent', next };
  }
  if (outcome.code === 'mllp.closed' || outcome.code === 'service.stopping') {
    await ledger.deliveries.putBack(lease.claim);
    return { kind: 'put-back' };
  }
  const now = Date.now();
  const attempts = {
    failures: delivery.attempts,
    firstAttemptAt: delivery.firstAttemptAt ?? now,
    now,
    askedWaitMs: outcome.askedWaitMs,
  };
  const verdict = verdictOf(outcome.code, attempts, outcome.message);
  metrics.deliveryFailed(destination.name, outcome.code, entry.ms / 1000);
  if (verdict.kind === 'park') {
    await ledger.deliveries.parked(lease.claim, verdict.reason);
    log.error({ ...entry, ...verdict.reason }, 'A delivery is parked: somebody has to act');
    return { kind: 'parked' };
  }
  await ledger.deliveries.failed(lease.claim, verdict.reason, verdict.at);
  log.warn({ ...entry, ...verdict.reason, inMs: verdict.at - now }, 'A delivery failed; it is tried again');
  return { kind: 'again', code: outcome.code };
}

async function attempt(
  destination: Destination,
  delivery: Delivery,
  { ledger, folder, justMade, log, audit }: Delivering,
): Promise<SendOutcome> {
  try {
    const bytes = await objectBytes(delivery.object, ledger, folder, justMade);
    if (bytes === undefined) return { kind: 'failed', code: 'delivery.object-gone' };
    const shipment = { studyUid: delivery.studyUid, object: delivery.object, bytes };
    const outcome = await destination.send(shipment);
    if (outcome.kind === 'sent') await noteDelivery(destination, shipment, audit);
    return outcome;
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
