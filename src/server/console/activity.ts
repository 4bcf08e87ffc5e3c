import type { Instant, PassedEvent } from '../../ledger/types.ts';

/** What happened in a span of time. */
export interface ActivitySpan {
  readonly from: Instant;
  /** Readings that ended so. */
  readonly reported: number;
  readonly skipped: number;
  readonly failed: number;
  /** Milliseconds from a study being complete to its report; null where nothing was reported. */
  readonly waitMedian: number | null;
  readonly wait90: number | null;
}

export const ACTIVITY_KINDS = ['settled', 'reread', 'retried', 'reported', 'skipped', 'failed'] as const;

/**
 * Counts and waiting times in equal spans from the events of the ledger. A reading waits from the moment its
 * study was complete (or was asked to be read again) to its report.
 *
 * @param events in their order, of `ACTIVITY_KINDS`; ones from before `from` tell when readings began
 */
export function activityOf(
  events: readonly PassedEvent[],
  { from, spanMs, spans }: { readonly from: Instant; readonly spanMs: number; readonly spans: number },
): ActivitySpan[] {
  const began = new Map<string, Instant>();
  const found = Array.from({ length: spans }, () => ({
    reported: 0,
    skipped: 0,
    failed: 0,
    waits: [] as number[],
  }));
  for (const { studyUid, run, at, kind } of events) {
    const reading = `${studyUid} ${run}`;
    if (kind === 'settled' || kind === 'reread' || kind === 'retried') {
      began.set(reading, at);
      continue;
    }
    const span = found[Math.floor((at - from) / spanMs)];
    if (span === undefined || at < from) continue;
    if (kind === 'reported' || kind === 'skipped' || kind === 'failed') span[kind] += 1;
    const start = began.get(reading);
    if (kind === 'reported' && start !== undefined) span.waits.push(at - start);
  }
  return found.map(({ waits, ...counts }, index) => ({
    from: from + index * spanMs,
    ...counts,
    waitMedian: quantile(waits, 0.5),
    wait90: quantile(waits, 0.9),
  }));
}

/** The smallest value that at least this share of the values does not exceed; null of none. */
function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
