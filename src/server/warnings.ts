import { DeepHealthError } from '../errors/error.ts';
import { loggedFailure } from '../observe/log.ts';
import type { Context } from './context.ts';

/** Says in the log what is wrong with the peers and does not keep the service from running. */
export function warnOfPeers({ inForce, ledger, log }: Pick<Context, 'inForce' | 'ledger' | 'log'>): void {
  const { archives, destinations } = inForce.site;
  for (const [name, client] of archives) {
    client.check().catch((error: unknown) => {
      log.warn({ pacs: name, ...loggedFailure(error) }, 'The archive cannot be used now; it is tried on');
    });
  }
  const known = new Set(destinations.map(({ name }) => name));
  ledger.deliveries.backlog().then(
    (backlog) => {
      for (const { destination, pending, parked } of backlog) {
        if (known.has(destination)) continue;
        log.warn(
          { destination, pending, parked, ...loggedFailure(new DeepHealthError('delivery.no-destination')) },
          'Results wait for a destination that is not configured: `deep-health studies deliveries`',
        );
      }
    },
    () => {},
  );
}
