import type { Label, PictureBox, Reading } from '../../ai/reading.ts';
import type { Film } from '../film/film.ts';
import type { Code } from './codes.ts';
import type { SrClass } from './encode.ts';
import type { Language } from './texts.ts';

/** Everything that the reports are made of; nothing is read from a clock, a file or the network. */
export interface ReportInput {
  /** The films of one study that were read by one model; at least one. */
  readonly films: readonly ReadFilm[];
  readonly station: Station;
  readonly algorithm: Algorithm;
  readonly site: Site;
  /** End of the first successful inference; a rerun passes the same instant. */
  readonly analysedAt: Date;
  /** The reports of an older model that these replace, by profile. */
  readonly predecessors?: { readonly [Profile in ReportProfile]?: DocumentReference };
  /** 0 for the first reading of the study, 1 for the first re-read, ...: the reports get series of their own. */
  readonly revision?: number;
  readonly options?: Partial<ReportOptions>;
}

/** A film with what the model says of it. */
export interface ReadFilm {
  readonly film: Film;
  readonly reading: Reading;
  /** The part of the picture that was fed to the model. */
  readonly box: PictureBox;
  /** SHA-256 (hex) of the file's bytes; needed for a picture file, which has no other identity. */
  readonly contentDigest?: string;
  /** SHA-256 (hex) of the tensor, recorded among the algorithm parameters. */
  readonly tensorDigest?: string;
  /** The drawn heat map, or null when there is none (then no report refers to one). */
  readonly heatmap?: HeatmapPicture | null;
}

/** A coloured picture: row-major, three bytes a pixel. */
export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** The picture as it was drawn, legend burnt in. */
export interface HeatmapPicture extends RgbPicture {
  /** The class whose map it is. */
  readonly label: Label;
}

/** The device that reports: this installation (PS3.3 C.7.5.1 General Equipment). */
export interface Station {
  /** StationName, at most 16 characters. */
  readonly name: string;
  readonly manufacturer: string;
  readonly modelName: string;
  /** Installation id. */
  readonly serialNumber: string;
  /** Version of the product. */
  readonly version: string;
  readonly institution?: string;
  /** Where the device stands. */
  readonly place?: string;
}

/** How the model was applied; its name, version and digest stand in the reading. */
export interface Algorithm {
  /** Names the way from film to tensor, e.g. `letterbox-299-v1`. */
  readonly preprocessing: string;
  /** The thresholds in words, e.g. `present=0.52; absent=0.48; type margin=0.20`. */
  readonly thresholds: string;
  /** One sentence for ContributionDescription. */
  readonly description?: string;
}

export interface Site {
  /** IANA time zone of the site. */
  readonly zone: string;
  /**
   * The site confirms that the modalities' clocks run in that zone: only then is a zone claimed for a film
   * that tells none.
   */
  readonly modalityClocksInZone: boolean;
}

/** A stored SR. */
export interface DocumentReference {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

/** `air` for machines (TID 1500), `text` for people (docs/decisions/0042-two-reports.md). */
export type ReportProfile = 'air' | 'text';

export interface ReportOptions {
  readonly profiles: readonly ReportProfile[];
  readonly airSopClass: Exclude<SrClass, 'basic-text'>;
  readonly textSopClass: Exclude<SrClass, 'comprehensive-3d'>;
  readonly language: Language;
  /** PreliminaryFlag. */
  readonly flag: 'PRELIMINARY' | 'FINAL';
  /** Series number of `text`; heat maps and `air` take the next two, the reports of a re-read those ten on. */
  readonly seriesNumber: number;
  /** Procedures by StudyDescription (compared without case and blanks at the ends). */
  readonly procedures: Readonly<Record<string, Code>>;
  /** Purpose of our item in ContributingEquipmentSequence. */
  readonly equipmentPurpose: Code;
}
