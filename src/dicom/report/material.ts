import { text } from '../dataset.ts';
import type { Film } from '../film/film.ts';
import { type Code, DCM, SCT } from './codes.ts';
import type { SopReference } from './content.ts';
import { deviceTexts, deviceUid } from './equipment.ts';
import type { Findings } from './findings.ts';
import type { FilmIdentity } from './identity.ts';
import type { Algorithm, ReadFilm, ReportInput } from './input.ts';
import { legalValue } from './legal.ts';
import { regionOn } from './region.ts';
import type { DeviceObserver } from './templates/tid1004.ts';
import type { MeasuredFilm } from './templates/tid1501.ts';
import type { LibraryFilm } from './templates/tid1600.ts';
import type { AlgorithmIdentification } from './templates/tid4019.ts';
import type { Texts } from './texts.ts';
import { hashedUid } from './uid.ts';

/** A film of the report with everything that is known of it. */
export interface ReportedFilm {
  readonly read: ReadFilm;
  readonly identity: FilmIdentity;
  readonly findings: Findings;
  /** The stored heat map, or null. */
  readonly heatmap: SopReference | null;
}

/** Modalities of CID 29; what a film does not tell is a radiograph of some kind. */
const ACQUISITIONS: ReadonlyMap<string, Code> = new Map([
  ['CR', DCM.acquisitionCr],
  ['DX', DCM.acquisitionDx],
]);

const VIEWS: Readonly<Record<Film['view'], Code | null>> = {
  PA: SCT.viewPa,
  AP: SCT.viewAp,
  frontal: SCT.viewFrontal,
  unknown: null,
};

export function viewOf(film: Film): Code | null {
  return VIEWS[film.view];
}

/**
 * Behind the number that a report gives to one of several films: the series and instance number under which a viewer
 * lists it, in brackets; empty where the film lacks one of them.
 */
export function placeOf({ dataset }: Film, texts: Texts): string {
  const [series, image] = ['00200011', '00200013'].map(
    (tag) => legalValue('IS', text(dataset, tag) ?? '', 'omit')?.value,
  );
  return typeof series === 'string' && typeof image === 'string' ? ` (${texts.place(series, image)})` : '';
}

/** The film as an entry of the image library. */
export function libraryFilm({ read, identity }: ReportedFilm): LibraryFilm {
  const modality = text(read.film.dataset, '00080060') ?? '';
  return {
    sopClassUid: identity.sopClassUid,
    sopInstanceUid: identity.sopInstanceUid,
    modality: ACQUISITIONS.get(modality) ?? DCM.acquisitionRadiographic,
    view: viewOf(read.film),
    rows: identity.rows,
    columns: identity.columns,
  };
}

/**
 * The film as a measurement group. The tracking UID leaves the model's version out: the same finding is
 * tracked over re-reads.
 */
export function measuredFilm(film: ReportedFilm, index: number, algorithm: Algorithm): MeasuredFilm {
  const { read, identity, findings, heatmap } = film;
  return {
    tracking: {
      identifier: `Deep Health chest classification ${index + 1}`,
      uid: hashedUid('tracking', identity.studyUid, identity.sopInstanceUid, read.reading.model.name),
    },
    findings,
    algorithm: algorithmOf(read, algorithm),
    film: identity,
    region: regionOn(read.film, read.box, identity),
    heatmap,
  };
}

function algorithmOf(
  { reading: { model }, tensorDigest }: ReadFilm,
  algorithm: Algorithm,
): AlgorithmIdentification {
  return {
    name: model.name,
    version: model.version,
    parameters: [
      `model=sha256:${model.sha256}`,
      `preprocessing=${algorithm.preprocessing}`,
      `thresholds: ${algorithm.thresholds}`,
      ...(tensorDigest === undefined ? [] : [`tensor=sha256:${tensorDigest}`]),
    ],
  };
}

/** This installation with this model as observer. */
export function observerOf({ station }: ReportInput, { reading: { model } }: ReadFilm): DeviceObserver {
  const { name, manufacturer, modelName, serialNumber, place } = deviceTexts(station);
  return { uid: deviceUid(station, model), name, manufacturer, modelName, serialNumber, place };
}
