import { type DicomDataset, items, text } from '../dataset.ts';
import type { Film, Remark } from '../film/film.ts';
import { type Copied, type CopyRule, copyAttributes, leftOut, MOST_COPIED } from './copy.ts';
import { element } from './encode.ts';

/** HL7v2 Hierarchic Designator and its kin (PS3.3 10.17). */
const DESIGNATOR: readonly CopyRule[] = [
  { tag: '00400031', keyword: 'LocalNamespaceEntityID', vr: 'UT', type: 3, whenLong: 'omit' },
  { tag: '00400032', keyword: 'UniversalEntityID', vr: 'UT', type: 3, whenLong: 'omit' },
  { tag: '00400033', keyword: 'UniversalEntityIDType', vr: 'CS', type: 3, whenLong: 'omit' },
];

const ISSUER_OF_PATIENT_ID: readonly CopyRule[] = [
  { tag: '00100021', keyword: 'IssuerOfPatientID', vr: 'LO', type: 3, whenLong: 'omit' },
  {
    tag: '00100024',
    keyword: 'IssuerOfPatientIDQualifiersSequence',
    vr: 'SQ',
    type: 3,
    items: [
      { tag: '00400032', keyword: 'UniversalEntityID', vr: 'UT', type: 3, whenLong: 'omit' },
      { tag: '00400033', keyword: 'UniversalEntityIDType', vr: 'CS', type: 3, whenLong: 'omit' },
      { tag: '00400035', keyword: 'IdentifierTypeCode', vr: 'CS', type: 3, whenLong: 'omit' },
      {
        tag: '00400036',
        keyword: 'AssigningFacilitySequence',
        vr: 'SQ',
        type: 3,
        items: DESIGNATOR,
      },
    ],
  },
];

/** Patient and Patient Study (PS3.3 C.7.1.1, C.7.2.2), without comments, addresses and private groups. */
const PATIENT: readonly CopyRule[] = [
  { tag: '00100010', keyword: 'PatientName', vr: 'PN', type: 2 },
  { tag: '00100020', keyword: 'PatientID', vr: 'LO', type: 2, whenLong: 'omit' },
  ...ISSUER_OF_PATIENT_ID,
  { tag: '00100030', keyword: 'PatientBirthDate', vr: 'DA', type: 2 },
  { tag: '00100040', keyword: 'PatientSex', vr: 'CS', type: 2, terms: ['M', 'F', 'O'] },
  {
    tag: '00101002',
    keyword: 'OtherPatientIDsSequence',
    vr: 'SQ',
    type: 3,
    items: [
      { tag: '00100020', keyword: 'PatientID', vr: 'LO', type: 1, whenLong: 'omit' },
      ...ISSUER_OF_PATIENT_ID,
      { tag: '00100022', keyword: 'TypeOfPatientID', vr: 'CS', type: 1, terms: ['TEXT', 'RFID', 'BARCODE'] },
    ],
  },
  { tag: '00101010', keyword: 'PatientAge', vr: 'AS', type: 3 },
  { tag: '00380010', keyword: 'AdmissionID', vr: 'LO', type: 3, whenLong: 'omit' },
];

/** General Study (PS3.3 C.7.2.1); StudyInstanceUID is set from the film's identity. */
const STUDY: readonly CopyRule[] = [
  { tag: '00080020', keyword: 'StudyDate', vr: 'DA', type: 2 },
  { tag: '00080030', keyword: 'StudyTime', vr: 'TM', type: 2 },
  { tag: '00080050', keyword: 'AccessionNumber', vr: 'SH', type: 2, whenLong: 'omit' },
  {
    tag: '00080051',
    keyword: 'IssuerOfAccessionNumberSequence',
    vr: 'SQ',
    type: 3,
    items: DESIGNATOR,
  },
  { tag: '00080090', keyword: 'ReferringPhysicianName', vr: 'PN', type: 2 },
  { tag: '00081030', keyword: 'StudyDescription', vr: 'LO', type: 3 },
  { tag: '00081032', keyword: 'ProcedureCodeSequence', vr: 'SQ', type: 3, items: 'codes' },
  { tag: '00200010', keyword: 'StudyID', vr: 'SH', type: 2, whenLong: 'omit' },
];

/** De-identification attributes of the Patient module: copied all or none. */
const DEIDENTIFICATION: readonly CopyRule[] = [
  { tag: '00120062', keyword: 'PatientIdentityRemoved', vr: 'CS', type: 1, terms: ['YES', 'NO'] },
  { tag: '00120063', keyword: 'DeidentificationMethod', vr: 'LO', type: 3, multiple: true },
  { tag: '00120064', keyword: 'DeidentificationMethodCodeSequence', vr: 'SQ', type: 3, items: 'codes' },
];

/** Clinical Trial Subject (PS3.3 C.7.1.3). */
const TRIAL_SUBJECT: readonly CopyRule[] = [
  { tag: '00120010', keyword: 'ClinicalTrialSponsorName', vr: 'LO', type: 1, whenLong: 'omit' },
  { tag: '00120020', keyword: 'ClinicalTrialProtocolID', vr: 'LO', type: 1, whenLong: 'omit' },
  { tag: '00120021', keyword: 'ClinicalTrialProtocolName', vr: 'LO', type: 2 },
  { tag: '00120030', keyword: 'ClinicalTrialSiteID', vr: 'LO', type: 2, whenLong: 'omit' },
  { tag: '00120031', keyword: 'ClinicalTrialSiteName', vr: 'LO', type: 2 },
  { tag: '00120040', keyword: 'ClinicalTrialSubjectID', vr: 'LO', type: 3, whenLong: 'omit' },
  { tag: '00120042', keyword: 'ClinicalTrialSubjectReadingID', vr: 'LO', type: 3, whenLong: 'omit' },
];

/** Clinical Trial Study (PS3.3 C.7.2.3). */
const TRIAL_STUDY: readonly CopyRule[] = [
  { tag: '00120050', keyword: 'ClinicalTrialTimePointID', vr: 'LO', type: 2, whenLong: 'omit' },
  { tag: '00120051', keyword: 'ClinicalTrialTimePointDescription', vr: 'ST', type: 3 },
];

const REQUEST: readonly CopyRule[] = [
  { tag: '00080050', keyword: 'AccessionNumber', vr: 'SH', type: 2, whenLong: 'omit' },
  {
    tag: '00080051',
    keyword: 'IssuerOfAccessionNumberSequence',
    vr: 'SQ',
    type: 3,
    items: DESIGNATOR,
  },
  { tag: '00321060', keyword: 'RequestedProcedureDescription', vr: 'LO', type: 2 },
  { tag: '00321064', keyword: 'RequestedProcedureCodeSequence', vr: 'SQ', type: 2, items: 'codes' },
  { tag: '00400026', keyword: 'OrderPlacerIdentifierSequence', vr: 'SQ', type: 3, items: DESIGNATOR },
  { tag: '00400027', keyword: 'OrderFillerIdentifierSequence', vr: 'SQ', type: 3, items: DESIGNATOR },
  { tag: '00401001', keyword: 'RequestedProcedureID', vr: 'SH', type: 2, whenLong: 'omit' },
  { tag: '00402016', keyword: 'PlacerOrderNumberImagingServiceRequest', vr: 'LO', type: 2, whenLong: 'omit' },
  { tag: '00402017', keyword: 'FillerOrderNumberImagingServiceRequest', vr: 'LO', type: 2, whenLong: 'omit' },
];

/** The attributes of patient and study that every object in the study shares. */
export interface StudyHeader {
  readonly dataset: DicomDataset;
  readonly remarks: readonly Remark[];
}

/** Patient, Patient Study, General Study and Clinical Trial modules, copied from a film. */
export function studyHeader(film: Film, studyUid: string): StudyHeader {
  const source = film.dataset;
  const parts = [
    copyAttributes(source, PATIENT),
    copyAttributes(source, STUDY),
    wholeOrNone(source, DEIDENTIFICATION, ({ '00120062': removed, ...rest }) => {
      // Method or method codes are mandatory where the identity was removed (PS3.3 C.7.1.1).
      return removed?.Value?.[0] === 'NO' || Object.keys(rest).length > 0;
    }),
    ...trial(source),
  ];
  return {
    dataset: Object.assign({}, ...parts.map(({ dataset }) => dataset), {
      '0020000D': element('UI', studyUid),
    }),
    remarks: unique(parts.flatMap(({ remarks }) => remarks)),
  };
}

function trial(source: DicomDataset): Copied[] {
  const subject = wholeOrNone(
    source,
    TRIAL_SUBJECT,
    (dataset) => dataset['00120040'] !== undefined || dataset['00120042'] !== undefined,
  );
  const inTrial = Object.keys(subject.dataset).length > 0 && source['00120050'] !== undefined;
  return inTrial ? [subject, copyAttributes(source, TRIAL_STUDY)] : [subject];
}

function wholeOrNone(
  source: DicomDataset,
  rules: readonly CopyRule[],
  complete: (dataset: DicomDataset) => boolean,
): Copied {
  const copied = copyAttributes(source, rules);
  if (!copied.incomplete && complete(copied.dataset)) return copied;
  const given = rules.find(({ tag }) => source[tag] !== undefined);
  const remarks = given === undefined ? copied.remarks : [...copied.remarks, leftOut(given)];
  return { ...copied, dataset: {}, remarks };
}

/**
 * Items of ReferencedRequestSequence (PS3.3 C.17.2): the film's request attributes, or one made of what stands
 * beside them; none when the film carries no order.
 */
export function requestItems(film: Film, studyUid: string): DicomDataset[] {
  const { dataset } = film;
  const requests = items(dataset, '00400275')
    .filter((request) => Object.keys(request).length > 0)
    .slice(0, MOST_COPIED);
  const ordered = ['00080050', '00401001', '00402016', '00402017'].some(
    (tag) => text(dataset, tag) !== undefined,
  );
  const sources = requests.length > 0 ? requests : ordered ? [{}] : [];
  return sources.map((request) => ({
    ...copyAttributes({ ...orderOf(dataset), ...request }, REQUEST).dataset,
    '00081110': element('SQ'),
    '0020000D': element('UI', studyUid),
  }));
}

/** Order attributes that stand in the film itself; those of a request item take their place. */
function orderOf(dataset: DicomDataset): DicomDataset {
  const found: DicomDataset = {};
  for (const { tag } of REQUEST) {
    const attribute = dataset[tag];
    if (attribute !== undefined) found[tag] = attribute;
  }
  return found;
}

function unique(remarks: readonly Remark[]): Remark[] {
  return [...new Map(remarks.map((remark) => [remark.message, remark])).values()];
}
