import express, { type Request, type Response, Router } from 'express';
import * as z from 'zod';
import { LABELS } from '../../ai/reading.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { Looks } from '../../intake/looks.ts';
import { noticeStudy } from '../../intake/notify.ts';
import { STUDY_STATES } from '../../ledger/types.ts';
import { userOf } from '../audit-trail.ts';
import { clientOfRequest } from '../client-address.ts';
import { sendUnlessSame } from '../conditional.ts';
import type { Context } from '../context.ts';
import { parsed, studyOf } from '../parsed.ts';
import { historyJson, patientIn, studyJson } from '../study-json.ts';

const since = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);
const listQuery = z.strictObject({
  state: z.enum(STUDY_STATES as [string, ...string[]]).optional(),
  since: since.optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  cursor: z.string().max(200).optional(),
});
const noticeBody = z
  .strictObject({
    source: z.string().max(64).optional(),
    priority: z.enum(['stat', 'routine']).default('routine'),
  })
  .prefault({});
const feedbackBody = z.strictObject({
  agree: z.boolean(),
  label: z.enum(LABELS).optional(),
  comment: z.string().max(2000).optional(),
});
const retryBody = z.strictObject({ reread: z.boolean().default(false) }).prefault({});

/**
 * `/api/studies`: the ledger for people and webhooks.
 *
 * @param onWork called when something was recorded that has to be worked on
 */
export function studyRoutes(context: Context, looks: Looks, onWork: () => void): Router {
  const { ledger, log, keyOf, metrics, inForce } = context;
  const router = Router();
  const json = express.json({ limit: '64kb', inflate: false, type: () => true });

  function use(
    request: Request,
    response: Response,
    what: 'view' | 'feedback' | 'retry' | 'reread' | 'notify',
  ) {
    const who = { name: userOf(response), address: clientOfRequest(request) };
    context.audit.record((events) => events.used({ studyUid: studyOf(request.params) }, who, what));
  }

  router.get('/', async (request, response) => {
    const { state, since: from, limit, cursor } = parsed(listQuery, request.query);
    const page = await ledger.studies.list({
      ...(state === undefined ? {} : { state: state as (typeof STUDY_STATES)[number] }),
      ...(from === undefined ? {} : { since: Date.parse(from) }),
      ...(limit === undefined ? {} : { limit }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    response.json({ studies: page.studies.map(studyJson), next: page.next });
  });

  router.get('/:study', async (request, response) => {
    const history = await ledger.studies.history(studyOf(request.params));
    if (history === undefined) throw new DeepHealthError('api.not-found', 'The ledger has no such study.');
    const patient = patientIn(history.study, inForce.config);
    sendUnlessSame(request, response, { ...historyJson(history), ...(patient === null ? {} : { patient }) });
    // A page that asks every second and is told that nothing changed shows nothing new.
    if (response.statusCode === 200) use(request, response, 'view');
  });

  router.post('/:study', json, async (request, response) => {
    const { source, priority } = parsed(noticeBody, request.body);
    const notification = { studyUid: studyOf(request.params), pacs: source ?? null, priority };
    const study = await noticeStudy(notification, { ledger, looks, archives: inForce.site.archives });
    log.info({ study: keyOf(study.studyUid) }, 'Notified of a study');
    use(request, response, 'notify');
    onWork();
    response.status(202).json(studyJson(study));
  });

  router.post('/:study/retry', json, async (request, response) => {
    const study = studyOf(request.params);
    const { reread } = parsed(retryBody, request.body);
    const outcome = reread ? await ledger.studies.reread(study) : await ledger.studies.retry(study);
    if (outcome.kind === 'unknown')
      throw new DeepHealthError('api.not-found', 'The ledger has no such study.');
    onWork();
    use(request, response, reread ? 'reread' : 'retry');
    const now = await ledger.studies.get(study);
    response.status(202).json({ outcome: outcome.kind, study: now === undefined ? null : studyJson(now) });
  });

  router.post('/:study/feedback', json, async (request, response) => {
    const { agree, label, comment } = parsed(feedbackBody, request.body);
    const author = response.locals.user as string | null;
    const outcome = await ledger.feedback.add(studyOf(request.params), {
      agree,
      label: label ?? null,
      comment: comment ?? null,
      author,
    });
    if (outcome.kind === 'unknown')
      throw new DeepHealthError('api.not-found', 'The ledger has no such study.');
    metrics.feedback(agree);
    use(request, response, 'feedback');
    response.status(201).json({ outcome: outcome.kind });
  });

  return router;
}
