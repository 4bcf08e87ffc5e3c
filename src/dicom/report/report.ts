import type { ModelIdentity } from '../../ai/reading.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import type { Remark } from '../film/film.ts';
import { airTree } from './air.ts';
import { reportClock } from './clock.ts';
import { DCM } from './codes.ts';
import { conclusionOf } from './conclusion.ts';
import type { ContainerItem } from './content.ts';
import { type Common, type Evidence, srDataset } from './document.ts';
import type { SrClass } from './encode.ts';
import { findingsOf } from './findings.ts';
import { studyHeader } from './header.ts';
import { type FilmIdentity, identitiesOf } from './identity.ts';
import type { ReadFilm, ReportInput, ReportOptions, ReportProfile } from './input.ts';
import { observerOf, type ReportedFilm } from './material.ts';
import { writePart10 } from './part10.ts';
import { procedureOf } from './procedure.ts';
import { heatmapDataset, pictureDataset, SECONDARY_CAPTURE } from './secondary-capture.ts';
import { textTree } from './text.ts';
import { TEXTS } from './texts.ts';
import { hashedUid } from './uid.ts';

/** A DICOM object ready to be stored: the bytes of a Part 10 file and what names it. */
export interface ReportObject {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Report {
  /** The profiles that were asked for. */
  readonly air?: ReportObject;
  readonly text?: ReportObject;
  /** One for each film of the input, in its order; null where the film has none. Store them before the SRs. */
  readonly heatmaps: readonly (ReportObject | null)[];
  /** One for each film of the input: a picture file as Secondary Capture, null for a DICOM film. */
  readonly pictures: readonly (ReportObject | null)[];
  readonly studyInstanceUid: string;
  /** The one sentence, the same as in the SRs. */
  readonly conclusion: string;
  /** What of the film's header could not be copied as it was; no patient data. */
  readonly remarks: readonly Remark[];
}

/** Raised when the same reading would be written differently, so that one UID never has two contents. */
const LAYOUT_VERSION = '3';

export const DEFAULT_REPORT_OPTIONS: ReportOptions = {
  profiles: ['air', 'text'],
  airSopClass: 'comprehensive-3d',
  textSopClass: 'comprehensive',
  language: 'en',
  flag: 'PRELIMINARY',
  seriesNumber: 9900,
  procedures: {},
  equipmentPurpose: DCM.processingEquipment,
};

/**
 * The reports and pictures of one reading of a study, as bytes. Pure: the same input gives the same bytes.
 *
 * SOP Instance UIDs are hashes over the films, the model with its parameters, profile, SR class, language
 * and layout version, so a rerun names the same objects. Throws DeepHealthError `report.*` when no valid
 * report can be made.
 */
export function makeReport(input: ReportInput): Report {
  const [first] = input.films;
  if (first === undefined) throw new DeepHealthError('report.content-invalid', 'A report needs a film.');
  const options = { ...DEFAULT_REPORT_OPTIONS, ...input.options };
  const { model } = first.reading;
  const identities = identitiesOf(input.films);
  const revision = input.revision ?? (input.predecessors === undefined ? 0 : 1);
  const uids = reportUids(input, options, model, identities, revision);
  const films = input.films.map((read, index) => reported(read, index, identities, uids));
  const studyUid = uids.studyUid;
  const header = studyHeader(first.film, studyUid);
  const common: Common = {
    input,
    options,
    model,
    clock: reportClock(first.film.dataset, input.site, input.analysedAt),
    studyUid,
    film: first.film,
    header: header.dataset,
    evidence: films.flatMap((film) => evidenceOf(film, uids)),
  };
  const numbers = options.seriesNumber + 10 * revision;
  const documents = {
    ...airDocument(films, common, uids, numbers + 2),
    ...textDocument(films, common, uids, numbers),
  };
  return {
    ...documents,
    heatmaps: films.map(({ read, identity, heatmap }, index) => {
      if (heatmap === null || !read.heatmap) return null;
      const place = {
        sopInstanceUid: heatmap.sopInstanceUid,
        seriesUid: uids.heatmapSeries,
        seriesNumber: options.seriesNumber + 1,
        instanceNumber: index + 1,
      };
      return object(
        heatmapDataset(read.heatmap, read.film, identity, place, common),
        studyUid,
        place.seriesUid,
      );
    }),
    pictures: films.map(({ read, identity }, index) => {
      if (read.film.kind !== 'picture') return null;
      const place = { ...identity, seriesNumber: 1, instanceNumber: index + 1 };
      return object(pictureDataset(read.film, place, common), studyUid, place.seriesUid);
    }),
    studyInstanceUid: studyUid,
    conclusion: conclusionOf(
      films.map(({ findings }) => findings),
      TEXTS[options.language],
    ),
    remarks: header.remarks,
  };
}

interface ReportUids {
  readonly studyUid: string;
  readonly heatmapSeries: string;
  readonly heatmap: (film: FilmIdentity) => string;
  readonly series: (profile: ReportProfile) => string;
  readonly document: (profile: ReportProfile, srClass: SrClass) => string;
}

function reportUids(
  input: ReportInput,
  options: ReportOptions,
  model: ModelIdentity,
  identities: readonly FilmIdentity[],
  revision: number,
): ReportUids {
  const studyUid = identities[0]?.studyUid ?? '';
  const films = identities.map(({ sopInstanceUid }) => sopInstanceUid).toSorted();
  // A report that points to no heat map is another document than one that does (decision 0103).
  const pictured = input.films.some(({ heatmap }) => heatmap) ? [] : ['without heat map'];
  const { preprocessing, thresholds } = input.algorithm;
  const reader = [model.name, model.version, model.sha256, preprocessing, thresholds];
  const product = [input.station.version, model.name, model.version, model.sha256];
  return {
    studyUid,
    heatmapSeries: hashedUid('sc-series', studyUid, ...product),
    heatmap: ({ sopInstanceUid }) =>
      hashedUid('sc', studyUid, sopInstanceUid, ...reader, options.language, LAYOUT_VERSION),
    // One report a series: each has a number and a time of its own, and viewers show one of a series.
    series: (profile) => hashedUid('sr-series', profile, studyUid, ...product, String(revision), ...films),
    document: (profile, srClass) =>
      hashedUid(
        'sr',
        profile,
        srClass,
        options.language,
        LAYOUT_VERSION,
        studyUid,
        ...reader,
        ...films,
        ...pictured,
      ),
  };
}

function reported(
  read: ReadFilm,
  index: number,
  identities: readonly FilmIdentity[],
  uids: ReportUids,
): ReportedFilm {
  const identity = identities[index];
  if (identity === undefined) throw new DeepHealthError('report.identity-missing');
  const heatmap = read.heatmap
    ? { sopClassUid: SECONDARY_CAPTURE, sopInstanceUid: uids.heatmap(identity) }
    : null;
  return { read, identity, findings: findingsOf(read.reading), heatmap };
}

function evidenceOf({ identity, heatmap }: ReportedFilm, uids: ReportUids): Evidence[] {
  return [identity, ...(heatmap === null ? [] : [{ ...heatmap, seriesUid: uids.heatmapSeries }])];
}

function airDocument(
  films: readonly ReportedFilm[],
  common: Common,
  uids: ReportUids,
  seriesNumber: number,
): { air?: ReportObject } {
  const { input, options, film, header } = common;
  const [first] = films;
  if (!options.profiles.includes('air') || first === undefined) return {};
  const tree = airTree({
    films,
    algorithm: input.algorithm,
    observer: observerOf(input, first.read),
    procedure: procedureOf(film, options.procedures),
    study: { date: single(header, '00080020'), time: single(header, '00080030') },
    texts: TEXTS[options.language],
  });
  return { air: sr('air', tree, options.airSopClass, common, uids, seriesNumber) };
}

function textDocument(
  films: readonly ReportedFilm[],
  common: Common,
  uids: ReportUids,
  seriesNumber: number,
): { text?: ReportObject } {
  const { input, options, clock } = common;
  const [first] = films;
  if (!options.profiles.includes('text') || first === undefined) return {};
  const tree = textTree({
    films,
    observer: observerOf(input, first.read),
    analysed: clock.analysed,
    texts: TEXTS[options.language],
    srClass: options.textSopClass,
  });
  return { text: sr('text', tree, options.textSopClass, common, uids, seriesNumber) };
}

/**
 * Series descriptions; viewers show the first twenty characters or so, which tell a person which of the two to
 * open. deploy/ohif/app-config.js knows the report to read by its first words.
 */
const DESCRIPTIONS: Readonly<Record<ReportProfile, string>> = {
  air: 'AI coded result (TID 1500) - not for primary diagnosis',
  text: 'AI report to read - chest film, not for primary diagnosis',
};

function sr(
  profile: ReportProfile,
  tree: ContainerItem,
  srClass: SrClass,
  common: Common,
  uids: ReportUids,
  seriesNumber: number,
): ReportObject {
  const document = {
    tree,
    srClass,
    sopInstanceUid: uids.document(profile, srClass),
    seriesUid: uids.series(profile),
    seriesNumber,
    seriesDescription: DESCRIPTIONS[profile],
    predecessor: common.input.predecessors?.[profile],
  };
  return object(srDataset(document, common), common.studyUid, document.seriesUid);
}

function object(dataset: DicomDataset, studyInstanceUid: string, seriesInstanceUid: string): ReportObject {
  return {
    studyInstanceUid,
    seriesInstanceUid,
    sopClassUid: single(dataset, '00080016') ?? '',
    sopInstanceUid: single(dataset, '00080018') ?? '',
    bytes: writePart10(dataset),
  };
}

function single(dataset: DicomDataset, tag: string): string | null {
  const [value] = dataset[tag]?.Value ?? [];
  return typeof value === 'string' ? value : null;
}
