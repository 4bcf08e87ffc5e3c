import type { HeatmapInput } from '../ai/heatmap/heatmap.ts';
import type { Manifest } from '../ai/manifest.ts';
import type { Config } from '../config/schema.ts';
import type { Algorithm, ReportOptions, Site, Station } from '../dicom/report/input.ts';
import { DEFAULT_REPORT_OPTIONS } from '../dicom/report/report.ts';

/** How heat maps look. */
export type HeatmapStyle = Required<Pick<HeatmapInput, 'longSide' | 'language'>>;

/** What stands in every result of this installation, whatever the film. */
export interface ResultSettings {
  readonly station: Station;
  readonly site: Site;
  readonly algorithm: Algorithm;
  readonly options: ReportOptions;
  /** Size and language of heat maps, or null for none. */
  readonly heatmapStyle: HeatmapStyle | null;
}

const PRODUCT = { manufacturer: 'Deep Health', model: 'Deep Health' } as const;

/** How heat maps are drawn, or null where none are. */
export function heatmapStyle({ report: { heatmap, language } }: Pick<Config, 'report'>): HeatmapStyle | null {
  return heatmap.enabled ? { longSide: heatmap.longSide, language } : null;
}

/** The settings of results, from the config and the model that reads. */
export function resultSettings(
  config: Pick<Config, 'report'>,
  manifest: Manifest,
  productVersion: string,
): ResultSettings {
  const { report } = config;
  const { present, absent, typeMargin } = manifest.decision;
  return {
    station: {
      name: report.station,
      manufacturer: PRODUCT.manufacturer,
      modelName: PRODUCT.model,
      serialNumber: report.serialNumber,
      version: productVersion,
      ...(report.institution === undefined ? {} : { institution: report.institution }),
      ...(report.location === undefined ? {} : { place: report.location }),
    },
    site: { zone: report.timeZone, modalityClocksInZone: report.modalityClocksInZone },
    algorithm: {
      preprocessing: manifest.input.preprocessing,
      thresholds: `present=${present}; absent=${absent}; type margin=${typeMargin}`,
    },
    options: {
      ...DEFAULT_REPORT_OPTIONS,
      profiles: report.sr.profiles,
      airSopClass: report.sr.airSopClass,
      textSopClass: report.sr.textSopClass,
      language: report.language,
      flag: report.sr.final ? 'FINAL' : 'PRELIMINARY',
      seriesNumber: report.sr.seriesNumber,
    },
    heatmapStyle: heatmapStyle(config),
  };
}
