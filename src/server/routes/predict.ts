import express, { Router } from 'express';
import { filmJson } from '../../cli/film-json.ts';
import type { Decoder } from '../../dicom/film/decode/decoder.ts';
import { rulesForFiles } from '../../dicom/film/file-rules.ts';
import { openFilm } from '../../dicom/film/open.ts';
import type { SelectRules } from '../../dicom/film/select-rules.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { Inference } from '../../reading/inference.ts';

export interface Predicting {
  readonly decoder: Decoder;
  readonly inference: Inference;
  rules(): SelectRules;
  maxFilm(): number;
}

const TYPES = ['application/dicom', 'image/jpeg', 'image/png'];

/** `POST /api/predict`: one film in the body, the JSON of `classify` back; nothing is kept. */
export function predictRoute({ decoder, inference, rules, maxFilm }: Predicting): Router {
  const router = Router();
  router.post(
    '/',
    (request, response, next) => {
      if (!request.is(TYPES)) throw new DeepHealthError('api.media-type');
      express.raw({ limit: maxFilm(), inflate: false, type: TYPES })(request, response, next);
    },
    async (request, response) => {
      const bytes: unknown = request.body;
      if (!(bytes instanceof Uint8Array) || bytes.length === 0) throw new DeepHealthError('file.empty');
      const film = await openFilm(bytes, { decoder, rules: rulesForFiles(rules()) });
      const { reading, timings } = await inference.read(film);
      response.json(filmJson('', film, reading, { ...film.timings, ...timings, report: 0 }));
    },
  );
  return router;
}
