import type { Ledger } from '../ledger/types.ts';
import { workUnderLease } from './lease.ts';
import { type Pause, pause } from './pause.ts';
import { slots } from './slots.ts';
import type { ConsumeOptions, Consumer, Queue, StudyHandler } from './types.ts';

export interface EmbeddedQueueOptions {
  readonly ledger: Ledger;
  /** Name of this worker, unique among the processes on the ledger. */
  readonly worker: string;
  /** Lease of a study in work, kept up while it lasts; default 60 s. */
  readonly leaseMs?: number;
  /** How often idle readers look into the ledger for what other processes queued; default 1 s. */
  readonly pollMs?: number;
}

/** Longest pause while the ledger is away. */
const AWAY_MS = 10_000;

/**
 * The queue without a broker: the ledger's queued studies are the queue, and readers claim them there. What
 * this process queues is taken at once, what another one queues at the next look.
 */
export function embeddedQueue(options: EmbeddedQueueOptions): Queue {
  const { ledger, worker, leaseMs = 60_000, pollMs = 1000 } = options;
  const pauses = new Set<Pause>();
  const consumers = new Set<Consumer>();
  let reachable = true;

  function wakeAll(): void {
    for (const each of pauses) each.wake();
  }

  function consume(handler: StudyHandler, { concurrency, onError = () => {} }: ConsumeOptions): Consumer {
    const room = slots(concurrency);
    const idle = pause();
    pauses.add(idle);
    let stopping = false;

    async function run(): Promise<void> {
      let failures = 0;
      while (!stopping) {
        await room.free();
        if (stopping) return;
        try {
          const claim = await ledger.claims.claimNext({ worker, leaseMs });
          reachable = true;
          failures = 0;
          if (claim === undefined) await idle.wait(pollMs);
          // Taken while `stop` was called: it goes to somebody else.
          else if (stopping) await ledger.claims.putBack(claim);
          else room.run(() => workUnderLease(ledger, claim, leaseMs, handler, onError));
        } catch (error) {
          reachable = false;
          failures += 1;
          onError(error);
          if (!stopping) await idle.wait(Math.min(AWAY_MS, pollMs * 2 ** Math.min(failures, 10)));
        }
      }
    }

    const running = run();
    const consumer: Consumer = {
      async stop() {
        stopping = true;
        idle.wake();
        await running;
        await room.idle();
        pauses.delete(idle);
        consumers.delete(consumer);
      },
    };
    consumers.add(consumer);
    return consumer;
  }

  return {
    kind: 'embedded',
    publish: async (jobs) => {
      if (jobs.length > 0) wakeAll();
    },
    consume: async (handler, consumeOptions) => consume(handler, consumeOptions),
    // Due retries of this process are met at the next look; there is nobody else to tell.
    sweep: async () => 0,
    depth: () => ledger.studies.waiting(),
    ready: () => reachable,
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
    },
  };
}
