import { Router } from 'express';
import { handleStow } from '../../dicom/web/receive-http.ts';
import { isReceivedClass } from '../../intake/film-classes.ts';
import { createReceiveSink, type Receiving, settleReceived } from '../../intake/receive.ts';
import { loggedFailure } from '../../observe/log.ts';
import type { Context } from '../context.ts';

/**
 * `POST /dicom-web/studies`, `POST /dicom-web/studies/{study}`: films by STOW-RS.
 *
 * @param onDue called when a study is due to settle
 */
export function receiveRoute(context: Context, onDue: () => void): Router {
  const { ledger, folder, storage, log, metrics, inForce } = context;
  const receiving: Receiving = {
    ...{ ledger, folder, storage, log },
    settleMs: () => inForce.settleMs,
    stopping: () => context.stopping,
    // Without it the study would wait for the next round.
    onSettling: (inMs) => void setTimeout(onDue, inMs + 1).unref(),
  };
  const sink = createReceiveSink(receiving);
  const router = Router();
  router.post(['/', '/:study'], async (request, response) => {
    const { study } = request.params as { study?: string };
    const receipt = await handleStow(request, response, {
      sink,
      folder: folder.films,
      limits: { requestBytes: inForce.maxRequest, partBytes: inForce.maxFilm },
      acceptsClass: (uid) => isReceivedClass(uid, inForce.config.select),
      beforeAnswer: (done) => settleReceived(receiving, done),
      onFailure: (error) => log.error(loggedFailure(error), 'A received film could not be kept'),
      ...(study === undefined ? {} : { study }),
    });
    if (receipt === undefined) return;
    const { stored, failed, studies, answer } = receipt;
    metrics.received('stored', stored);
    metrics.received('failed', failed);
    log.info({ studies: studies.length, stored, failed, status: answer.status }, 'Received');
  });
  return router;
}
