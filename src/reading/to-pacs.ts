import type { DicomWebClient } from '../dicom/web/client.ts';
import type { StoreOutcome } from '../dicom/web/store.ts';
import type { Destination, SendOutcome } from './deliver.ts';

/** Results to an archive by STOW-RS, one object a request, judged by what the answer says of that object. */
export function pacsDestination(name: string, client: DicomWebClient): Destination {
  return {
    name,
    via: 'pacs',
    async send({ studyUid, object, bytes }) {
      const [outcome] = await client.storeInstances(studyUid, [{ sopInstanceUid: object.uid, bytes }]);
      return outcome === undefined ? { kind: 'failed', code: 'stow.unconfirmed' } : sendOutcome(outcome);
    },
    async close() {},
  };
}

function sendOutcome(outcome: StoreOutcome): SendOutcome {
  switch (outcome.kind) {
    case 'stored':
    case 'stored-with-warning':
      return { kind: 'sent' };
    case 'refused':
    case 'unknown':
      return { kind: 'failed', code: outcome.code };
    case 'unsent':
      return {
        kind: 'failed',
        code: outcome.code,
        ...(outcome.retryAfterMs === undefined ? {} : { askedWaitMs: outcome.retryAfterMs }),
      };
  }
}
