import type { Manifest } from '../ai/manifest.ts';
import type { Config } from '../config/schema.ts';
import type { Algorithm, ReportOptions, Site, Station } from '../dicom/report/input.ts';
import { DEFAULT_REPORT_OPTIONS } from '../dicom/report/report.ts';

/** What stands in every result of this installation, whatever the film. */
export interface ResultSettings {
  readonly station: Station;
  readonly site: Site;
  readonly algorithm: Algorithm;
  readonly options: ReportOptions;
  /** Longer side of the heat map in pixels, or null for none. */
  readonly heatmapSide: number | null;
}

const PRODUCT = { manufacturer: 'Deep Health', model: 'Deep Health' } as const;

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
    heatmapSide: report.heatmap.enabled ? report.heatmap.longSide : null,
  };
}
