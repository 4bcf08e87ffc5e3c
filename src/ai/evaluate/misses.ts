import sharp from 'sharp';
import type { FilmReading } from '../classify.ts';
import type { OpenedFilm } from '../films/open.ts';
import type { Truth } from '../films/truth.ts';
import { drawHeatmap } from '../heatmap/heatmap.ts';
import type { Probabilities, Reading } from '../reading.ts';
import type { Miss } from './result.ts';

const HEATMAP_SIDE = 560;

/** What of a reading is shown with a miss. */
export type SaidOfFilm = Pick<Reading, 'label' | 'pneumonia' | 'probabilities' | 'applicability' | 'model'>;

/** The films with the least probability for what is true, with their heat maps; only these are drawn. */
export interface WorstMisses {
  offer(
    opened: Pick<OpenedFilm, 'name' | 'truth' | 'film'>,
    read: { readonly reading: SaidOfFilm; readonly maps: FilmReading['maps'] },
  ): Promise<void>;
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
      const probabilityOfTruth = missedBy(truth, reading.probabilities);
      if (probabilityOfTruth === undefined) return;
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

/** The probability of what is true, when something else got more; undefined when the film was read rightly. */
export function missedBy(truth: Truth, probabilities: Probabilities): number | undefined {
  const own = truth === 'pneumonia' ? 1 - probabilities.normal : probabilities[truth];
  const highest = truth === 'pneumonia' ? 0.5 : Math.max(...Object.values(probabilities));
  return own >= highest ? undefined : own;
}
