import { DeepHealthError } from '../../errors/error.ts';
import { type DicomDataset, number, text } from '../dataset.ts';
import type { Film } from '../film/film.ts';
import { turnOf } from '../film/orientation.ts';
import { DCM, LABEL_FINDINGS } from './codes.ts';
import { type Common, series, sopCommon } from './document.ts';
import { codeItem, element, sopItem } from './encode.ts';
import { deviceTexts, fitting, generalEquipment } from './equipment.ts';
import type { FilmIdentity } from './identity.ts';
import type { HeatmapPicture, RgbPicture } from './input.ts';
import { TEXTS, worded } from './texts.ts';

/** SOP class of the heat map, and of a picture file that gets stored. */
export const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';

/** Where a Secondary Capture goes. */
export interface CapturePlace {
  readonly sopInstanceUid: string;
  readonly seriesUid: string;
  readonly seriesNumber: number;
  readonly instanceNumber: number;
}

/**
 * A drawn heat map as a Secondary Capture (PS3.3 A.8.1): RGB, 8 bit, in a series of its own, pointing at the
 * film it was made from. Spacing is left out on purpose: nobody shall measure on it.
 */
export function heatmapDataset(
  heatmap: HeatmapPicture,
  film: Film,
  source: FilmIdentity,
  place: CapturePlace,
  common: Common,
): DicomDataset {
  const words = TEXTS[common.options.language];
  const { name, version } = common.model;
  const finding = worded(words, LABEL_FINDINGS[heatmap.label]).meaning;
  return {
    ...capture(place, 'AI heat map (not for diagnosis)', common),
    '00080008': element('CS', 'DERIVED', 'SECONDARY', 'HEATMAP'),
    '00082111': element('ST', fitting(words.heatmap(finding, `${name} ${version}`), 1024)),
    '00082112': element('SQ', {
      ...sopItem(source),
      '0040A170': element('SQ', codeItem(DCM.sourceImage)),
    }),
    '00089215': element('SQ', codeItem(DCM.classActivation)),
    '00200020': orientation(film),
    '00204000': element('LT', words.disclaimer),
    ...identifying(film),
    ...lossy(film),
    ...pixels(heatmap, 3, heatmap.rgb),
  };
}

/**
 * A picture file as the Secondary Capture that the report points to: the display-ready grey picture, so that
 * coordinates in the report are those of its pixels.
 */
export function pictureDataset(film: Film, place: CapturePlace, common: Common): DicomDataset {
  const { width, height, pixels: grey } = film.picture;
  return {
    ...capture(place, 'Chest film from a picture file', common),
    '00080008': element('CS', 'DERIVED', 'SECONDARY'),
    '00200020': element('CS'),
    ...lossy(film),
    ...pixels({ width, height, rgb: grey }, 1, grey),
  };
}

function capture(place: CapturePlace, seriesDescription: string, common: Common): DicomDataset {
  const { clock, header, input, model } = common;
  const device = deviceTexts(input.station);
  return {
    ...header,
    ...sopCommon(SECONDARY_CAPTURE, place.sopInstanceUid, common),
    ...series('OT', { ...place, seriesDescription }, null),
    ...generalEquipment(input.station, model),
    '00080023': element('DA', clock.analysed.date),
    '00080033': element('TM', clock.analysed.exact),
    '00080064': element('CS', 'WSD'),
    // Says that nothing paired is shown, so that no laterality is missing.
    '00180015': element('CS', 'CHEST'),
    '00181012': element('DA', clock.analysed.date),
    '00181014': element('TM', clock.analysed.exact),
    '00181016': element('LO', device.manufacturer),
    '00181018': element('LO', device.modelName),
    '00181019': element('LO', device.version),
    '00200013': element('IS', String(place.instanceNumber)),
  };
}

/**
 * The picture under the map has the patient's right on its left; that is claimed only when the film told an
 * orientation that a quarter turn or a mirror could bring there.
 */
function orientation({ dataset }: Film) {
  return turnOf(dataset).remarks.length === 0 ? element('CS', 'L', 'F') : element('CS');
}

/**
 * Whether the picture shows who the patient is: what the film says, since the film lies under the map and the legend
 * names nobody. Where it says nothing nothing is claimed: who de-identifies or exports relies on a NO (PS3.3 C.7.6.1).
 */
function identifying({ dataset }: Film): DicomDataset {
  const told: DicomDataset = {};
  for (const tag of ['00280301', '00280302']) {
    const answer = text(dataset, tag);
    if (answer === 'YES' || answer === 'NO') told[tag] = element('CS', answer);
  }
  return told;
}

/** Once lossy, always lossy (PS3.3 C.7.6.1.1.5). */
function lossy({ dataset, kind, remarks }: Film): DicomDataset {
  const was = text(dataset, '00282110') === '01' || remarks.some(({ code }) => code === 'lossy');
  if (!was) return kind === 'picture' ? {} : { '00282110': element('CS', '00') };
  const ratio = number(dataset, '00282112');
  const method = text(dataset, '00282114');
  const legalMethod = method !== undefined && /^[A-Z0-9_ ]{1,16}$/.test(method);
  return {
    '00282110': element('CS', '01'),
    ...(ratio !== undefined && ratio > 0 ? { '00282112': element('DS', ratio.toPrecision(6)) } : {}),
    ...(legalMethod ? { '00282114': element('CS', method) } : {}),
  };
}

function pixels({ width, height }: RgbPicture, samples: 1 | 3, bytes: Uint8Array): DicomDataset {
  const sides = [width, height].every((side) => Number.isInteger(side) && side > 0 && side <= 65535);
  if (!sides || bytes.length !== width * height * samples) {
    throw new DeepHealthError('report.picture-invalid');
  }
  return {
    '00280002': element('US', samples),
    '00280004': element('CS', samples === 3 ? 'RGB' : 'MONOCHROME2'),
    ...(samples === 3 ? { '00280006': element('US', 0) } : {}),
    '00280010': element('US', height),
    '00280011': element('US', width),
    '00280100': element('US', 8),
    '00280101': element('US', 8),
    '00280102': element('US', 7),
    '00280103': element('US', 0),
    '7FE00010': element('OB', bytes),
  };
}
