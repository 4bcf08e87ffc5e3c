import type { MllpClient } from '../hl7/mllp/client.ts';
import type { Destination } from './deliver.ts';

/** Results to a RIS over MLLP; one message in flight, judged by the acknowledgement alone (standards 3.5). */
export function risDestination(name: string, client: MllpClient): Destination {
  return {
    name,
    via: 'ris',
    async send({ bytes }) {
      const outcome = await client.send(bytes);
      if (outcome.kind === 'accepted') return { kind: 'sent' };
      const wait = outcome.kind === 'unsent' ? outcome.retryAfterMs : undefined;
      return {
        kind: 'failed',
        code: outcome.code,
        ...(wait === undefined ? {} : { askedWaitMs: wait }),
      };
    },
    close: () => client.close(),
  };
}
