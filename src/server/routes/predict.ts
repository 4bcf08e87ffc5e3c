import { Router } from 'express';
import { rulesForFiles } from '../../dicom/film/file-rules.ts';
import { openFilm } from '../../dicom/film/open.ts';
import { filmJson } from '../../reading/film-json.ts';
import type { InForce } from '../context.ts';
import { filmBody, filmIn } from '../film-body.ts';
import type { Reading } from '../reading.ts';

const AT_ONCE = 4;

/** `POST /api/predict`: one film in the body, the JSON of `classify` back; nothing is kept. */
export function predictRoute({ decoder, inference, models }: Reading, inForce: InForce): Router {
  const router = Router();
  router.post('/', filmBody(inForce, AT_ONCE), async (request, response) => {
    const film = await openFilm(filmIn(request), { decoder, rules: rulesForFiles(inForce.config.select) });
    const { reading, timings } = await models.use((model) => inference.read(film, model));
    response.json(filmJson('', film, reading, { ...film.timings, ...timings, report: 0 }));
  });
  return router;
}
