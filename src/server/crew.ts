import type { Config } from '../config/schema.ts';
import { type Poller, type Polling, startPolling } from '../intake/poll.ts';
import { type Delivering, startDelivering } from '../reading/deliver.ts';
import type { Loop } from '../reading/loop.ts';
import type { Site } from './site.ts';

/** The workers that belong to the peers of one configuration: a poller an archive, a deliverer a destination. */
export interface Crew {
  /** There may be something to deliver. */
  wake(): void;
  /** Resolves when every worker has ended the step it was in. */
  stop(): Promise<void>;
}

export interface CrewTasks {
  /** Undefined: this process does not take in. */
  readonly polling: Polling | undefined;
  /** Undefined: this process does not deliver. */
  readonly delivering: Delivering | undefined;
}

export function startCrew(config: Config, site: Site, { polling, delivering }: CrewTasks): Crew {
  const pollers: Poller[] = [];
  if (polling !== undefined) {
    for (const pacs of config.pacs) {
      const client = site.archives.get(pacs.name);
      if (pacs.poll !== undefined && client !== undefined) {
        pollers.push(startPolling({ ...pacs, poll: pacs.poll }, client, polling));
      }
    }
  }
  const deliverers: Loop[] =
    delivering === undefined
      ? []
      : site.destinations.map((destination) => startDelivering(destination, delivering));
  return {
    wake() {
      for (const loop of deliverers) loop.wake();
    },
    async stop() {
      await Promise.all([...pollers, ...deliverers].map((worker) => worker.stop()));
    },
  };
}
