import type { Context } from '../context.ts';
import { readiness } from '../health.ts';
import type { Reading } from '../reading.ts';
import type { PeerChecks } from './peers.ts';

const time = (instant: number | null): string | null =>
  instant === null ? null : new Date(instant).toISOString();

/** What the health page shows; times are ISO 8601, UTC. A ledger that does not answer leaves its figures out. */
export async function healthJson(context: Context, reading: Reading | undefined, peers: PeerChecks) {
  const { ledger, queue, storage, inForce } = context;
  const [ready, states, depth] = await Promise.all([
    readiness(context),
    peers.states(),
    queue.depth().catch(() => null),
  ]);
  const figures = ready.problems.includes('ledger.unreachable') ? null : await figuresOf(ledger);
  const backlog = figures?.backlog ?? [];
  const attempts = figures?.attempts ?? [];
  const last = (destination: string, kind: 'sent' | 'failed') =>
    attempts.findLast((attempt) => attempt.destination === destination && attempt.kind === kind);
  const configured = inForce.site.destinations;
  // What waits for others waits until somebody puts them back or says what becomes of it.
  const former = backlog.flatMap(({ destination: name }) =>
    configured.some((each) => each.name === name) ? [] : [{ name, via: null }],
  );
  const destinations = [...configured, ...former].map(({ name, via }) => {
    const waiting = backlog.find(({ destination }) => destination === name);
    const failure = last(name, 'failed');
    return {
      name,
      via,
      pending: figures === null ? null : (waiting?.pending ?? 0),
      parked: figures === null ? null : (waiting?.parked ?? 0),
      oldestPending: time(waiting?.oldestPendingAt ?? null),
      lastSent: time(last(name, 'sent')?.at ?? null),
      lastFailure: failure === undefined ? null : { at: time(failure.at), reason: failure.reason },
    };
  });
  const model = reading?.models.current;
  return {
    version: context.version,
    worker: context.worker,
    ready: ready.ready,
    problems: ready.problems,
    ledger: { kind: ledger.dialect, answers: figures !== null },
    queue: {
      kind: queue.kind,
      ready: queue.ready(),
      waiting: depth,
      oldest: time(figures?.oldest.stat ?? figures?.oldest.routine ?? null),
    },
    storage: { freeBytes: storage.free ?? null, reserveBytes: inForce.reserve },
    model: model === undefined ? null : { ...model.identity, engine: model.backend },
    studies: figures?.counts ?? null,
    peers: states.map(({ checkedAt, ...peer }) => ({ ...peer, checked: time(checkedAt) })),
    destinations,
  };
}

async function figuresOf(ledger: Context['ledger']) {
  const [counts, oldest, backlog, attempts] = await Promise.all([
    ledger.studies.countByState(),
    ledger.studies.oldestWaiting(),
    ledger.deliveries.backlog(),
    ledger.activity.lastAttempts(),
  ]);
  return { counts, oldest, backlog, attempts };
}

export type HealthJson = Awaited<ReturnType<typeof healthJson>>;
