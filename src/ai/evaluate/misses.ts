import sharp from 'sharp';
import type { FilmReading } from '../classify.ts';
import type { OpenedFilm } from '../films/open.ts';
import { drawHeatmap } from '../heatmap/heatmap.ts';
import type { Miss } from './result.ts';

const HEATMAP_SIDE = 560;

/** The films with the least probability for what is true, with their heat maps; only these are drawn. */
export interface WorstMisses {
  offer(opened: OpenedFilm, read: FilmReading): Promise<void>;
  readonly list: readonly Miss[];
  readonly heatmaps: ReadonlyMap<string, Uint8Array>;
}

/** Keeps the `most` worst misses. A film whose truth has the highest probability is none. */
export function worstMisses(most: number): WorstMisses {
  const list: Miss[] = [];
  const heatmaps = new Map<string, Uint8Array>();
  return {
    list,
    heatmaps,
    async offer({ name, truth, film }, { reading, maps }) {
      const { probabilities } = reading;
      const probabilityOfTruth = truth === 'pneumonia' ? 1 - probabilities.normal : probabilities[truth];
      const highest = truth === 'pneumonia' ? 0.5 : Math.max(...Object.values(probabilities));
      if (probabilityOfTruth >= highest) return;
      const place = list.findIndex((miss) => miss.probabilityOfTruth > probabilityOfTruth);
      const at = place < 0 ? list.length : place;
      if (at >= most) return;
      const said = reading.label ?? (reading.pneumonia === 'present' ? 'pneumonia' : 'undetermined');
      list.splice(at, 0, { name, truth, said, probabilityOfTruth });
      const { rgb, width, height } = drawHeatmap({
        picture: film.picture,
        map: maps[0],
        reading,
        longSide: HEATMAP_SIDE,
      });
      heatmaps.set(
        name,
        await sharp(rgb, { raw: { width, height, channels: 3 } })
          .jpeg({ quality: 82 })
          .toBuffer(),
      );
      const dropped = list.length > most ? list.pop() : undefined;
      if (dropped !== undefined) heatmaps.delete(dropped.name);
    },
  };
}
