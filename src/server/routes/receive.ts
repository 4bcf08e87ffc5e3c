import { Router } from 'express';
import { handleStow } from '../../dicom/web/receive-http.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { isReceivedClass } from '../../intake/film-classes.ts';
import { quietSenders } from '../../intake/quiet-senders.ts';
import { createReceiveSink, type Receiving, settleReceived } from '../../intake/receive.ts';
import { studyUid } from '../../ledger/uids.ts';
import { loggedFailure } from '../../observe/log.ts';
import type { HeadStart } from '../../reading/head-start.ts';
import { userOf } from '../audit-trail.ts';
import { clientOfRequest } from '../client-address.ts';
import type { Context } from '../context.ts';
import { halfEach } from '../shares.ts';

/** A pushed study of a sender that is never quiet settles after this time without another request. */
const LONGEST_SETTLE_MS = 1000;

const TOO_MANY = {
  status: 503,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '5' },
  body: 'As many requests as may push at once are in hand.\n',
  close: true,
};

/**
 * `POST /dicom-web/studies`, `POST /dicom-web/studies/{study}`: films by STOW-RS.
 *
 * @param onDue called when a study may have to be settled
 * @param headStart of the process's own reader, where it has one
 */
export function receiveRoute(
  context: Context,
  onDue: () => void,
  headStart: Pick<HeadStart, 'begin'> | undefined,
): Router {
  const { ledger, queue, folder, arrivals, storage, log, keyOf, metrics, inForce } = context;
  const receiving: Receiving = {
    ...{ ledger, folder, arrivals, storage, log },
    settleMs: () => Math.max(LONGEST_SETTLE_MS, inForce.settleMs),
    stopping: () => context.stopping,
    onStored: (study, film) => headStart?.begin(study, film),
  };
  const senders = quietSenders({
    quietMs: () => inForce.settleMs,
    onQuiet(studies) {
      Promise.all(studies.map((study) => ledger.studies.settle(study)))
        .then((outcomes) =>
          queue.publish(outcomes.flatMap((each) => (each.kind === 'queued' ? [each.job] : []))),
        )
        // Ledger or broker are away: the ledger settles it by time, tending the queue publishes it.
        .catch((error: unknown) => {
          log.debug(loggedFailure(error), 'A quiet sender’s studies could not be settled yet');
          onDue();
        });
    },
  });
  const sink = createReceiveSink(receiving);
  // A quarter of the connections may push at once: the others stay for people, and the disk has its limits.
  const places = halfEach(Math.max(4, Math.ceil(inForce.config.server.connections / 4)));
  const router = Router();
  router.post(['/', '/:study'], async (request, response) => {
    const { study } = request.params as { study?: string };
    const release = places.take(clientOfRequest(request));
    if (release !== undefined) response.once('close', release);
    const answered = senders.began(request.socket.remoteAddress ?? '');
    const receipt = await handleStow(request, response, {
      sink,
      authorize: () => (release === undefined ? TOO_MANY : undefined),
      folder: folder.films,
      limits: { requestBytes: inForce.maxRequest, partBytes: inForce.maxFilm },
      acceptsClass: (uid) => isReceivedClass(uid, inForce.config.select),
      beforeAnswer: (done) => settleReceived(receiving, done),
      onFailure: (error) => log.error(notKept(error), 'A received film could not be kept'),
      ...(study === undefined ? {} : { study }),
    }).catch((error: unknown) => {
      answered([]);
      throw error;
    });
    answered(receipt?.complete === true ? receipt.studies.map(studyUid) : []);
    if (receipt === undefined) return;
    const { stored, failed, studies, answer } = receipt;
    metrics.received('stored', stored);
    metrics.received('failed', failed);
    const keys = studies.slice(0, 20).map((uid) => keyOf(uid));
    log.info({ studies: studies.length, keys, stored, failed, status: answer.status }, 'Received');
    if (stored > 0) {
      const from = { name: userOf(response), address: clientOfRequest(request) };
      for (const studyUid of studies)
        context.audit.record((events) => events.imported({ studyUid }, from, 'they'));
    }
  });
  return router;
}

/** What is no failure of ours with a name is one of the disk; the sender was told (A700 where it is full). */
function notKept(error: unknown) {
  if (error instanceof DeepHealthError) return loggedFailure(error);
  const { code: errno } = error as NodeJS.ErrnoException;
  return { ...loggedFailure(new DeepHealthError('storage.failed', undefined, { cause: error })), errno };
}
