import { Router } from 'express';
import * as z from 'zod';
import { LABELS, type Label } from '../../ai/reading.ts';
import { STUDY_STATES, type TriageFilter } from '../../ledger/types.ts';
import { isSame } from '../conditional.ts';
import type { Context } from '../context.ts';
import { parsed } from '../parsed.ts';
import { triageJson } from '../study-json.ts';

const query = z.strictObject({
  state: z.enum([...STUDY_STATES, 'stuck']).optional(),
  /** `none`: read, and no label given. */
  label: z.enum([...LABELS, 'none']).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(200).optional(),
});

/** `GET /api/triage`: the studies in the order in which people should look; 304 while nothing changed. */
export function triageRoute({ ledger, inForce, worker }: Context): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    const { state, label, since, limit, cursor } = parsed(query, request.query);
    const { showPatient } = inForce.config.server.console;
    if (isSame(request, response, `${worker}-${await ledger.studies.revision()}-${showPatient}`)) return;
    const filter: TriageFilter = {
      limit,
      ...(state === undefined ? {} : { state: state as NonNullable<TriageFilter['state']> }),
      ...(label === undefined ? {} : { label: label === 'none' ? null : (label as Label) }),
      ...(since === undefined ? {} : { since: Date.parse(since) }),
      ...(cursor === undefined ? {} : { cursor }),
    };
    const page = await ledger.studies.triage(filter);
    response.json({
      studies: page.studies.map((study) => triageJson(study, inForce.config)),
      next: page.next,
      showsPatient: showPatient,
    });
  });
  return router;
}
