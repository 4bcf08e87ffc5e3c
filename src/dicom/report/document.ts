import type { ModelIdentity } from '../../ai/reading.ts';
import { DeepHealthError } from '../../errors/error.ts';
import type { DicomDataset } from '../dataset.ts';
import type { Film } from '../film/film.ts';
import type { LocalTime, ReportClock } from './clock.ts';
import { CODING_SCHEMES, DCM } from './codes.ts';
import type { ContainerItem, SopReference } from './content.ts';
import { copyAttributes } from './copy.ts';
import {
  codeItem,
  element,
  encodeTree,
  referencesOf,
  SR_CLASSES,
  type SrClass,
  schemesOf,
  sopItem,
} from './encode.ts';
import { authorObserver, contributingEquipment, generalEquipment } from './equipment.ts';
import { requestItems } from './header.ts';
import type { DocumentReference, ReportInput, ReportOptions } from './input.ts';

/** An instance and the series it stands in, for the evidence of a report. */
export interface Evidence extends SopReference {
  readonly seriesUid: string;
}

/** What is special to one document. */
export interface SrDocument {
  readonly tree: ContainerItem;
  readonly srClass: SrClass;
  readonly sopInstanceUid: string;
  readonly seriesUid: string;
  readonly seriesNumber: number;
  readonly seriesDescription: string;
  readonly predecessor: DocumentReference | undefined;
}

/** What the objects of one report have in common. */
export interface Common {
  readonly input: ReportInput;
  readonly options: ReportOptions;
  readonly model: ModelIdentity;
  readonly clock: ReportClock;
  readonly studyUid: string;
  /** The film that the header is copied from. */
  readonly film: Film;
  /** Patient and study modules. */
  readonly header: DicomDataset;
  /** Films and heat maps that a tree may name. */
  readonly evidence: readonly Evidence[];
}

/**
 * The whole dataset of an SR document: header of PS3.3 A.35.3/A.35.13 and content. Throws
 * `report.content-invalid` when the tree names an instance that is no evidence.
 */
export function srDataset(document: SrDocument, common: Common): DicomDataset {
  const { input, options, model, clock } = common;
  const content = encodeTree(document.tree, document.srClass);
  const dataset: DicomDataset = {
    ...common.header,
    ...sopCommon(SR_CLASSES[document.srClass], document.sopInstanceUid, common),
    ...series('SR', document, clock.analysed),
    '00081111': element('SQ'),
    ...generalEquipment(input.station, model),
    '00080023': element('DA', clock.analysed.date),
    '00080033': element('TM', clock.analysed.exact),
    '00200013': element('IS', '1'),
    '0040A078': element('SQ', authorObserver(input.station, model)),
    ...predecessors(document.predecessor),
    ...requests(common),
    '0040A372': { vr: 'SQ', ...procedures(common.film) },
    '0040A375': element('SQ', evidenceItem(document.tree, common)),
    '0040A491': element('CS', 'COMPLETE'),
    '0040A493': element('CS', 'UNVERIFIED'),
    '0040A496': element('CS', options.flag),
    ...content,
  };
  dataset['00080110'] = element('SQ', ...codingSchemes(dataset));
  return dataset;
}

/** SOP Common (PS3.3 C.12.1) with the zone of all times and the model as contributing equipment. */
export function sopCommon(sopClassUid: string, sopInstanceUid: string, common: Common): DicomDataset {
  const { input, options, model, clock } = common;
  return {
    '00080005': element('CS', 'ISO_IR 192'),
    '00080012': element('DA', clock.analysed.date),
    '00080013': element('TM', clock.analysed.exact),
    '00080016': element('UI', sopClassUid),
    '00080018': element('UI', sopInstanceUid),
    ...(clock.claimedOffset === null ? {} : { '00080201': element('SH', clock.claimedOffset) }),
    '0018A001': element(
      'SQ',
      contributingEquipment(input.station, input.algorithm, model, options.equipmentPurpose),
    ),
  };
}

/**
 * The series of one object. It has a time only where it holds one object: everything in a series has to agree
 * on it, and the heat map of a film that came late joins those of the others.
 */
export function series(
  modality: string,
  {
    seriesUid,
    seriesNumber,
    seriesDescription,
  }: Pick<SrDocument, 'seriesUid' | 'seriesNumber' | 'seriesDescription'>,
  begun: LocalTime | null,
): DicomDataset {
  return {
    ...(begun === null
      ? {}
      : { '00080021': element('DA', begun.date), '00080031': element('TM', begun.exact) }),
    '00080060': element('CS', modality),
    '0008103E': element('LO', seriesDescription),
    '0020000E': element('UI', seriesUid),
    '00200011': element('IS', String(seriesNumber)),
  };
}

function predecessors(reference: DocumentReference | undefined): DicomDataset {
  if (reference === undefined) return {};
  const sop = { ...sopItem(reference), '0040A170': element('SQ', codeItem(DCM.replacedReport)) };
  const series = {
    '00081199': element('SQ', sop),
    '0020000E': element('UI', reference.seriesInstanceUid),
  };
  return {
    '0040A360': element('SQ', {
      '00081115': element('SQ', series),
      '0020000D': element('UI', reference.studyInstanceUid),
    }),
  };
}

function requests({ film, studyUid }: Common): DicomDataset {
  const items = requestItems(film, studyUid);
  return items.length === 0 ? {} : { '0040A370': element('SQ', ...items) };
}

function procedures(film: Film) {
  const rule = {
    tag: '00081032',
    keyword: 'ProcedureCodeSequence',
    vr: 'SQ',
    type: 3,
    items: 'codes',
  } as const;
  const { Value } = copyAttributes(film.dataset, [rule]).dataset['00081032'] ?? {};
  return Value === undefined ? {} : { Value };
}

/** Every instance named in the tree, by series (PS3.3 C.17.2.1). */
function evidenceItem(tree: ContainerItem, { evidence, studyUid }: Common): DicomDataset {
  const bySeries = new Map<string, DicomDataset[]>();
  for (const named of referencesOf(tree)) {
    const known = evidence.find(({ sopInstanceUid }) => sopInstanceUid === named.sopInstanceUid);
    if (known === undefined) {
      throw new DeepHealthError(
        'report.content-invalid',
        'The report names an instance that is no evidence.',
      );
    }
    bySeries.set(known.seriesUid, [...(bySeries.get(known.seriesUid) ?? []), sopItem(known)]);
  }
  const series = [...bySeries].map(([seriesUid, sops]) => ({
    '00081199': element('SQ', ...sops),
    '0020000E': element('UI', seriesUid),
  }));
  return { '00081115': element('SQ', ...series), '0020000D': element('UI', studyUid) };
}

/** One item for each designator that the dataset uses and that is known (PS3.3 C.12.1.1.13). */
function codingSchemes(dataset: DicomDataset): DicomDataset[] {
  return schemesOf(dataset).flatMap((designator) => {
    const scheme = CODING_SCHEMES.get(designator);
    if (scheme === undefined) return [];
    return [
      {
        '00080102': element('SH', designator),
        '0008010C': element('UI', scheme.uid),
        '00080115': element('ST', scheme.name),
        ...(scheme.organization === undefined ? {} : { '00080116': element('ST', scheme.organization) }),
      },
    ];
  });
}
