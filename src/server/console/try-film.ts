import { drawHeatmap } from '../../ai/heatmap/heatmap.ts';
import { LABELS } from '../../ai/reading.ts';
import { rulesForFiles } from '../../dicom/film/file-rules.ts';
import { openFilm } from '../../dicom/film/open.ts';
import { filmJson } from '../../reading/film-json.ts';
import type { InForce } from '../context.ts';
import type { Reading } from '../reading.ts';
import { renderFilm } from './render.ts';

/** The answers of the program that this project grew from: always one of three numbers. */
const ORIGINAL_WORDS = ['No pneumonia', 'Bacterial pneumonia', 'Viral pneumonia'] as const;

/** Size at which the heat map is drawn before its legend is cut off. */
const DRAWN_SIDE = 1200;

/**
 * Reads one film for the page on which people try one; nothing is kept.
 * @throws DeepHealthError why the film cannot be opened
 */
export async function tryFilm(bytes: Uint8Array, { decoder, inference, models }: Reading, inForce: InForce) {
  const film = await openFilm(bytes, { decoder, rules: rulesForFiles(inForce.config.select) });
  const { reading, maps, timings } = await models.use((model) => inference.read(film, model));
  const drawn = drawHeatmap({ picture: film.picture, map: maps[0], reading, longSide: DRAWN_SIDE });
  const pictures = await renderFilm(film.picture, drawn);
  const { probabilities } = reading;
  const strongest = LABELS.reduce((most, label) =>
    probabilities[label] > probabilities[most] ? label : most,
  );
  const number = LABELS.indexOf(strongest);
  return {
    answer: filmJson('', film, reading, { ...film.timings, ...timings, report: 0 }),
    original: { number, words: ORIGINAL_WORDS[number] ?? '' },
    kind: film.kind,
    remarks: film.remarks,
    pictures: {
      width: pictures.width,
      height: pictures.height,
      film: Buffer.from(pictures.film).toString('base64'),
      heatMap: Buffer.from(pictures.heatMap ?? []).toString('base64'),
    },
  };
}

export type TriedFilm = Awaited<ReturnType<typeof tryFilm>>;
