import { Router } from 'express';
import { tryFilm } from '../console/try-film.ts';
import type { InForce } from '../context.ts';
import { filmBody, filmIn } from '../film-body.ts';
import type { Reading } from '../reading.ts';

const AT_ONCE = 2;

/** `POST /api/try`: one film in the body; what is said of it, with pictures (base64 PNG). Nothing is kept. */
export function tryRoute(reading: Reading, inForce: InForce): Router {
  const router = Router();
  router.post('/', filmBody(inForce, AT_ONCE), async (request, response) => {
    response.json(await tryFilm(filmIn(request), reading, inForce));
  });
  return router;
}
