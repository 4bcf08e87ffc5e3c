import express, { Router } from 'express';
import { rulesForFiles } from '../../dicom/film/file-rules.ts';
import { openFilm } from '../../dicom/film/open.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { filmJson } from '../../reading/film-json.ts';
import type { InForce } from '../context.ts';
import type { Reading } from '../reading.ts';

/** Films that are held in memory at once; a request is the size of a film, and there may be many connections. */
const AT_ONCE = 4;

const TYPES = ['application/dicom', 'image/jpeg', 'image/png'];

/** `POST /api/predict`: one film in the body, the JSON of `classify` back; nothing is kept. */
export function predictRoute({ decoder, inference, models }: Reading, inForce: InForce): Router {
  const router = Router();
  let inHand = 0;
  router.post(
    '/',
    (request, response, next) => {
      if (!request.is(TYPES)) throw new DeepHealthError('api.media-type');
      if (inHand >= AT_ONCE) throw new DeepHealthError('api.busy');
      inHand += 1;
      response.once('close', () => {
        inHand -= 1;
      });
      express.raw({ limit: inForce.maxFilm, inflate: false, type: TYPES })(request, response, next);
    },
    async (request, response) => {
      const bytes: unknown = request.body;
      if (!(bytes instanceof Uint8Array) || bytes.length === 0) throw new DeepHealthError('file.empty');
      const film = await openFilm(bytes, { decoder, rules: rulesForFiles(inForce.config.select) });
      const { reading, timings } = await models.use((model) => inference.read(film, model));
      response.json(filmJson('', film, reading, { ...film.timings, ...timings, report: 0 }));
    },
  );
  return router;
}
