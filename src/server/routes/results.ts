import { Router } from 'express';
import { parseDicom } from '../../dicom/film/parse.ts';
import { DeepHealthError } from '../../errors/error.ts';
import { objectBytes } from '../../reading/object-bytes.ts';
import { pngOf } from '../../reading/png.ts';
import { readHeatmap } from '../console/heat-map.ts';
import { oruText } from '../console/oru-text.ts';
import type { Pictures } from '../console/pictures.ts';
import { srDocument } from '../console/sr-tree.ts';
import type { Context } from '../context.ts';
import { instanceOf, studyOf } from '../parsed.ts';

/**
 * Films and results of a study for people:
 * `GET /api/studies/{study}/films/{instance}/picture` and `.../heat-map` are PNG files of the same size,
 * `GET /api/studies/{study}/objects/{uid}/content` is an SR's tree or an ORU's text as JSON,
 * `GET /api/studies/{study}/objects/{uid}/picture` a heat map as it was sent, as PNG.
 */
export function resultRoutes(context: Context, pictures: Pictures): Router {
  const { ledger, folder, inForce } = context;
  const router = Router();

  router.get('/:study/films/:instance/picture', async (request, response) => {
    const { film } = await pictures.film(studyOf(request.params), instanceOf(request.params));
    response.type('png').send(Buffer.from(film));
  });

  router.get('/:study/films/:instance/heat-map', async (request, response) => {
    const { heatMap } = await pictures.film(studyOf(request.params), instanceOf(request.params));
    if (heatMap === null)
      throw new DeepHealthError('api.not-found', 'There is no heat map that fits the film.');
    response.type('png').send(Buffer.from(heatMap));
  });

  router.get('/:study/objects/:object/content', async (request, response) => {
    const { kind, bytes } = await stored(request.params);
    const shows = { patient: inForce.config.server.console.showPatient };
    if (kind === 'oru') response.json({ kind, ...oruText(bytes, shows) });
    else if (kind === 'heat-map') throw new DeepHealthError('api.not-found', 'A heat map is a picture.');
    else response.json({ kind, ...srDocument((await parseDicom(bytes)).dataset, shows) });
  });

  router.get('/:study/objects/:object/picture', async (request, response) => {
    const { kind, bytes } = await stored(request.params);
    if (kind !== 'heat-map') throw new DeepHealthError('api.not-found', 'This result is no picture.');
    const heatmap = await readHeatmap(bytes);
    if (heatmap.burnedIn && !inForce.config.server.console.showPatient) {
      throw new DeepHealthError('api.not-shown');
    }
    response.type('png').send(Buffer.from(await pngOf(heatmap)));
  });

  async function stored(params: Record<string, unknown>) {
    const objects = await ledger.readings.objects(studyOf(params));
    const object = objects.find(({ uid }) => uid === params.object);
    if (object === undefined) throw new DeepHealthError('api.not-found', 'The study has no such result.');
    const bytes = await objectBytes(object, ledger, folder);
    if (bytes === undefined) throw new DeepHealthError('delivery.object-gone');
    return { kind: object.kind, bytes };
  }

  return router;
}
