import { createHash } from 'node:crypto';
import type { FilmReading } from '../ai/classify.ts';
import { drawHeatmap, type Heatmap } from '../ai/heatmap/heatmap.ts';
import type { Film } from '../dicom/film/film.ts';
import type { DocumentReference, ReportInput, ReportProfile } from '../dicom/report/input.ts';
import { makeReport, type Report } from '../dicom/report/report.ts';
import type { HeatmapStyle, ResultSettings } from './settings.ts';

/** A film that was read. */
export interface FilmRead {
  readonly film: Film;
  /** SHA-256 (hex) of the file's bytes; needed for a picture file, which has no other identity. */
  readonly contentDigest?: string;
  readonly outcome: Pick<FilmReading, 'reading' | 'maps'>;
  /** Its heat map, where that was drawn already; drawn anew when it is to be of another size or language. */
  readonly drawn?: DrawnHeatmap;
}

export interface DrawnHeatmap {
  readonly heatmap: Heatmap;
  readonly style: HeatmapStyle;
}

/** The heat map of a film that was read. */
export function drawAhead(film: FilmRead, style: HeatmapStyle): DrawnHeatmap {
  return { heatmap: draw(film, style), style };
}

function draw(
  { film, outcome: { reading, maps } }: FilmRead,
  style: HeatmapStyle,
  memory?: Uint8Array,
): Heatmap {
  return drawHeatmap({ picture: film.picture, map: maps[0], reading, ...style }, memory);
}

/** How this reading stands to earlier ones of the study. */
export interface Occasion {
  /** End of the first successful inference; a rerun passes the same instant, so that it gives the same bytes. */
  readonly analysedAt: Date;
  readonly predecessors?: { readonly [Profile in ReportProfile]?: DocumentReference };
  /** 0 for the first reading of the study, one more for each re-read. */
  readonly revision?: number;
}

/** What is made of one reading of a study. */
export interface Results {
  /** What the report was made from; messages are made from the same. */
  readonly input: ReportInput;
  readonly report: Report;
  /** One for each film, in order; null when heat maps are switched off. */
  readonly heatmaps: readonly (Heatmap | null)[];
}

/** SHA-256 of a file's bytes as hex digits. */
export function contentDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The results of the films of one study that were read together: heat maps drawn, Structured Reports and
 * Secondary Captures as bytes. Pure: the same films, settings and occasion give the same bytes.
 *
 * @throws DeepHealthError `report.*` when no valid report can be made of these films
 */
export function makeResults(
  films: readonly FilmRead[],
  settings: ResultSettings,
  occasion: Occasion,
): Results {
  const { heatmapStyle: style } = settings;
  const drawn = films.map((film, index) => {
    if (style === null) return null;
    const { drawn } = film;
    const fits = drawn?.style.longSide === style.longSide && drawn.style.language === style.language;
    return fits ? drawn.heatmap : draw(film, style, index === 0 ? ROUGH : undefined);
  });
  const report = makeReport(inputOf(films, drawn, settings, occasion));
  // What was drawn in ROUGH is drawn over next time: the pictures that are given away are those in the objects.
  const kept = drawn.map((heatmap, index) => {
    const bytes = report.heatmaps[index]?.bytes;
    return heatmap && bytes ? { ...heatmap, rgb: pixelsAtEnd(bytes, heatmap.rgb.length) } : null;
  });
  return { input: inputOf(films, kept, settings, occasion), report, heatmaps: kept };
}

/** Where the first heat map of a study is drawn, from where it is copied into its object. */
const ROUGH = new Uint8Array(3 * 2 ** 20);

/** Pixel Data, which ends an object; an odd number of bytes has one more behind it. */
function pixelsAtEnd(object: Uint8Array, length: number): Uint8Array {
  const end = object.length - (length % 2);
  return object.subarray(end - length, end);
}

function inputOf(
  films: readonly FilmRead[],
  heatmaps: readonly (Heatmap | null)[],
  { station, site, algorithm, options }: ResultSettings,
  occasion: Occasion,
): ReportInput {
  return {
    films: films.map(({ film, contentDigest, outcome: { reading, maps } }, index) => {
      const heatmap = heatmaps[index];
      return {
        film,
        reading,
        ...(contentDigest === undefined ? {} : { contentDigest }),
        box: maps[0].box,
        heatmap: heatmap ? { ...heatmap, label: maps[0].label } : null,
      };
    }),
    station,
    site,
    algorithm,
    options,
    ...occasion,
  };
}
