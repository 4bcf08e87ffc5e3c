import { type Poller, startPolling } from '../intake/poll.ts';
import { processors } from '../machine/processors.ts';
import { loggedFailure } from '../observe/log.ts';
import { type Destination, startDelivering } from '../reading/deliver.ts';
import type { Loop } from '../reading/loop.ts';
import type { Context } from './context.ts';

/** The workers that belong to the peers of one configuration: a poller an archive, a deliverer a destination. */
export interface Crew {
  /** There may be something to deliver. */
  wake(): void;
  /** Resolves when every worker has ended the step it was in. */
  stop(): Promise<void>;
}

/** @param onSent called when something was delivered, for which others may have waited */
export function startCrew(
  context: Context,
  onSent: () => void,
  does: { readonly polls: boolean; readonly delivers: boolean },
): Crew {
  const pollers = does.polls ? startPollers(context) : [];
  const deliverers = does.delivers ? startDeliverers(context, onSent) : [];
  return {
    wake() {
      for (const loop of deliverers) loop.wake();
    },
    async stop() {
      await Promise.all([...pollers, ...deliverers].map((worker) => worker.stop()));
    },
  };
}

function startPollers({ ledger, queue, storage, log, keyOf, metrics, inForce }: Context): Poller[] {
  const polling = {
    ...{ ledger, log, keyOf, metrics },
    select: () => inForce.config.select,
    storageLow: () => storage.low(),
    publish: (jobs: Parameters<typeof queue.publish>[0]) =>
      queue.publish(jobs).catch((error: unknown) => {
        // The ledger has them as queued; tending the queue publishes them.
        log.debug(loggedFailure(error), 'Jobs could not be published yet');
      }),
  };
  return inForce.config.pacs.flatMap((pacs) => {
    const client = inForce.site.archives.get(pacs.name);
    if (pacs.poll === undefined || client === undefined) return [];
    return [startPolling({ ...pacs, poll: pacs.poll }, client, polling)];
  });
}

function startDeliverers(context: Context, onSent: () => void): Loop[] {
  const { ledger, folder, justMade, log, keyOf, metrics, audit, worker } = context;
  const { signal } = context.hardStop;
  const delivering = { ledger, folder, justMade, log, keyOf, metrics, audit, worker, signal, onSent };
  return context.inForce.site.destinations.map((destination) =>
    startDelivering(destination, delivering, linesTo(destination)),
  );
}

/** A RIS has one connection, on which one message is answered before the next; each line to an archive holds a heat map. */
function linesTo({ via }: Destination): number {
  return via === 'pacs' && processors() > 1 ? 2 : 1;
}
