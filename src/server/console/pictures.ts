import { text } from '../../dicom/dataset.ts';
import { createDecoder, type Decoder } from '../../dicom/film/decode/decoder.ts';
import { openFilm } from '../../dicom/film/open.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { Instance, RecordedReading, ReportObject } from '../../ledger/types.ts';
import type { InstanceUid, StudyUid } from '../../ledger/uids.ts';
import { withFilm } from '../../reading/gather.ts';
import { objectBytes } from '../../reading/object-bytes.ts';
import type { Context } from '../context.ts';
import { filmInHeatmap, readHeatmap } from './heat-map.ts';
import { keepRecent } from './recent.ts';
import { type ColouredFilm, type RenderedFilm, renderFilm } from './render.ts';

/** Films that are decoded for the console at once, and those that may wait for it: reading goes first. */
const AT_ONCE = 2;
const WAITING = 24;
/** Rendered films that are kept in memory; up to 2 MB each. */
const KEPT = 16;

/** Films of studies as pages show them. */
export interface Pictures {
  /**
   * From the data folder, or from a PACS when it is not there (any more).
   * @throws DeepHealthError `api.not-found`, `api.not-shown`, `api.busy`, `storage.film-gone`, `web.*`, and why
   * the film cannot be opened
   */
  film(study: StudyUid, sopUid: InstanceUid): Promise<RenderedFilm>;
  close(): Promise<void>;
}

/** @param decoder that of the reader; a process that does not read has one of its own */
export function createPictures(context: Context, decoder: Decoder | undefined): Pictures {
  const { ledger, folder, filmMemory, inForce } = context;
  const used = decoder ?? createDecoder({ workers: 1 });
  const kept = keepRecent<RenderedFilm>(KEPT);
  const inTurn = turns(AT_ONCE, WAITING);

  async function render(study: StudyUid, instance: Instance, source: HeatmapSource | null) {
    const { config, site, maxFilm } = inForce;
    const where = { folder, memory: filmMemory, archives: () => site.archives, select: () => config.select };
    const film = await withFilm(study, instance, where, ({ bytes }) =>
      openFilm(bytes, { decoder: used, rules: config.select, limits: { fileBytes: maxFilm } }),
    );
    if (text(film.dataset, '00280301') === 'YES' && !config.server.console.showPatient) {
      throw new DeepHealthError('api.not-shown');
    }
    return renderFilm(film.picture, source && (await coloured(source, instance, film.picture)));
  }

  /** The newest heat map of the film; null where there is none, or none that its layout is known of. */
  async function coloured(
    { objects, readings }: HeatmapSource,
    { sopUid }: Instance,
    picture: { readonly width: number; readonly height: number },
  ): Promise<ColouredFilm | null> {
    for (const object of objects.toReversed()) {
      const bytes = await objectBytes(object, ledger, folder);
      if (bytes === undefined) continue;
      const stored = await readHeatmap(bytes);
      if (stored.filmUid !== sopUid) continue;
      const reading = readings.find((each) => each.run === object.run && each.sopUid === sopUid)?.reading;
      const sides = [inForce.config.report.heatmap.longSide, Math.max(stored.width, stored.height), 1024];
      const film = reading && filmInHeatmap(stored, picture, reading, sides);
      return film ? { ...stored, film } : null;
    }
    return null;
  }

  return {
    async film(study, sopUid) {
      const history = await ledger.studies.history(study);
      const instance = history?.instances.find((each) => each.sopUid === sopUid);
      if (history === undefined || instance === undefined) {
        throw new DeepHealthError('api.not-found', 'The ledger has no such film.');
      }
      const objects = history.objects.filter(({ kind }) => kind === 'heat-map');
      const source = objects.length === 0 ? null : { objects, readings: history.readings };
      const { showPatient } = inForce.config.server.console;
      const key = [study, sopUid, objects.at(-1)?.id, instance.sha256, showPatient].join(' ');
      return kept.get(key, () => inTurn(() => render(study, instance, source)));
    },
    async close() {
      if (decoder === undefined) await used.close();
    },
  };
}

interface HeatmapSource {
  readonly objects: readonly ReportObject[];
  readonly readings: readonly RecordedReading[];
}

/** Runs what it is given, so many at once; `api.busy` when too many wait already. */
function turns(
  atOnce: number,
  mostWaiting: number,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= atOnce) {
      if (waiting.length >= mostWaiting) throw new DeepHealthError('api.busy');
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
