import type { Label } from '../../ai/reading.ts';

/** A coded entry (PS3.3 8.8): value, coding scheme designator, meaning; a version only where one was given. */
export interface Code {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
  readonly version?: string;
}

/** Designator of the codes that exist nowhere else; "99" marks a local scheme (PS3.16 8.2). */
const LOCAL_SCHEME = '99DEEPHEALTH';

function dcm(value: string, meaning: string): Code {
  return { value, scheme: 'DCM', meaning };
}
function sct(value: string, meaning: string): Code {
  return { value, scheme: 'SCT', meaning };
}
function radlex(value: string, meaning: string): Code {
  return { value, scheme: 'RADLEX', meaning };
}
function local(value: string, meaning: string): Code {
  return { value, scheme: LOCAL_SCHEME, meaning };
}

/** Concept names and values of DICOM's own terminology (PS3.16 Annex D). */
export const DCM = {
  acquisitionCr: dcm('CR', 'Computed Radiography'),
  acquisitionDx: dcm('DX', 'Digital Radiography'),
  acquisitionRadiographic: dcm('RG', 'Radiographic imaging'),
  algorithmFamily: dcm('111000', 'Algorithm Family'),
  algorithmName: dcm('111001', 'Algorithm Name'),
  algorithmParameters: dcm('111002', 'Algorithm Parameters'),
  algorithmVersion: dcm('111003', 'Algorithm Version'),
  artificialIntelligence: dcm('123110', 'Artificial Intelligence'),
  certaintyOfFinding: dcm('111012', 'Certainty of Finding'),
  classActivation: dcm('130402', 'Class activation'),
  comment: dcm('121106', 'Comment'),
  conclusion: dcm('121077', 'Conclusion'),
  device: dcm('121007', 'Device'),
  deviceManufacturer: dcm('121014', 'Device Observer Manufacturer'),
  deviceModelName: dcm('121015', 'Device Observer Model Name'),
  deviceName: dcm('121013', 'Device Observer Name'),
  devicePlace: dcm('121017', 'Device Observer Physical Location During Observation'),
  deviceSerialNumber: dcm('121016', 'Device Observer Serial Number'),
  deviceUid: dcm('121012', 'Device Observer UID'),
  finding: dcm('121071', 'Finding'),
  imageLibrary: dcm('111028', 'Image Library'),
  imageLibraryGroup: dcm('126200', 'Image Library Group'),
  imageView: dcm('111031', 'Image View'),
  imagingMeasurementReport: dcm('126000', 'Imaging Measurement Report'),
  imagingMeasurements: dcm('126010', 'Imaging Measurements'),
  language: dcm('121049', 'Language of Content Item and Descendants'),
  measurementGroup: dcm('125007', 'Measurement Group'),
  modality: dcm('121139', 'Modality'),
  observerType: dcm('121005', 'Observer Type'),
  pixelDataColumns: dcm('110911', 'Pixel Data Columns'),
  pixelDataRows: dcm('110910', 'Pixel Data Rows'),
  procedureReported: dcm('121058', 'Procedure reported'),
  processingEquipment: dcm('109102', 'Processing Equipment'),
  qualityAssessment: dcm('111050', 'Quality Assessment'),
  replacedReport: dcm('121360', 'Replaced report'),
  sourceImage: dcm('121322', 'Source image for image processing operation'),
  sourceOfMeasurement: dcm('121112', 'Source of Measurement'),
  studyDate: dcm('111060', 'Study Date'),
  studyTime: dcm('111061', 'Study Time'),
  targetRegion: dcm('123014', 'Target Region'),
  trackingIdentifier: dcm('112039', 'Tracking Identifier'),
  trackingUid: dcm('112040', 'Tracking Unique Identifier'),
  visualExplanation: dcm('130401', 'Visual explanation'),
} as const;

export const SCT = {
  absent: sct('272519000', 'Absent'),
  bacterialPneumonia: sct('53084003', 'Bacterial pneumonia'),
  chest: sct('51185008', 'Chest'),
  findingSite: sct('363698007', 'Finding Site'),
  imagingProcedure: sct('363679005', 'Imaging procedure'),
  lung: sct('39607008', 'Lung'),
  normal: sct('17621005', 'Normal'),
  pneumonia: sct('233604007', 'Pneumonia'),
  present: sct('52101004', 'Present'),
  undetermined: sct('373068000', 'Undetermined'),
  viewAp: sct('399348003', 'antero-posterior'),
  viewFrontal: sct('399033003', 'frontal'),
  viewPa: sct('272479007', 'postero-anterior'),
  viralPneumonia: sct('75570004', 'Viral pneumonia'),
} as const;

const RADLEX = {
  actionable2: radlex('RID49481', 'ACR Category 2 Actionable Finding'),
  actionable3: radlex('RID49482', 'ACR Category 3 Actionable Finding'),
  diagnostic: radlex('RID12', 'Diagnostic quality'),
  limited: radlex('RID13', 'Limited quality'),
  nonDiagnostic: radlex('RID14', 'Non-diagnostic quality'),
} as const;

/**
 * The local scheme 99DEEPHEALTH, whole; docs/decisions/0041-local-codes.md says what each is for. A value is
 * never given another sense; what is no longer used stays in the list.
 */
export const LOCAL = {
  aiResult: local('AI-RESULT', 'AI chest film result - not for primary diagnosis'),
  abstainReason: local('ABSTAIN-REASON', 'Reason why no class is given'),
  analysisTime: local('ANALYSIS-TIME', 'Time of analysis'),
  applicability: local('APPLICABILITY', 'Applicability to intended population'),
  applicabilityIn: local('APPL-IN', 'Within the intended population'),
  applicabilityOut: local('APPL-OUT', 'Outside of the intended population'),
  applicabilityReason: local('APPL-REASON', 'Applicability reason'),
  applicabilityUnknown: local('APPL-UNKNOWN', 'Not known whether within the intended population'),
  chestClassifier: local('DH-CXR', 'Deep Health chest film classifier'),
  filmRead: local('FILM', 'Film that was read'),
  filmNumber: local('FILM-NUMBER', 'Film number'),
  filmResult: local('FILM-RESULT', 'Result of one film'),
  modelDigest: local('MODEL-DIGEST', 'Model digest'),
  probabilityBacterial: local('PROB-BACTERIAL', 'Probability of bacterial pneumonia'),
  probabilityNormal: local('PROB-NORMAL', 'Probability of normal'),
  probabilityViral: local('PROB-VIRAL', 'Probability of viral pneumonia'),
  qualityReason: local('QUALITY-REASON', 'Quality reason'),
  qualityRemark: local('QUALITY-REMARK', 'Quality remark'),
  triage: local('TRIAGE', 'AI triage category'),
  triageAbstained: local('TRIAGE-ABSTAIN', 'No triage suggestion'),
  triageNone: local('TRIAGE-NONE', 'No actionable finding'),
} as const;

export const LOINC = {
  chestAp: { value: '36572-6', scheme: 'LN', meaning: 'XR Chest AP' },
  chestPa: { value: '24648-8', scheme: 'LN', meaning: 'XR Chest PA upright' },
  diagnosticImagingStudy: { value: '18748-4', scheme: 'LN', meaning: 'Diagnostic imaging study' },
  impression: { value: '19005-8', scheme: 'LN', meaning: 'Impression' },
  procedureFindings: { value: '59776-5', scheme: 'LN', meaning: 'Procedure Findings' },
} as const satisfies Record<string, Code>;

/** The container of TID 1500 row 12. */
export const QUALITATIVE_EVALUATIONS: Code = {
  value: 'C0034375',
  scheme: 'UMLS',
  meaning: 'Qualitative Evaluations',
};

export const UNITS = {
  percent: { value: '%', scheme: 'UCUM', meaning: 'Percent' },
  pixels: { value: '{pixels}', scheme: 'UCUM', meaning: 'pixels' },
} as const satisfies Record<string, Code>;

/** The finding that each label stands for. */
export const LABEL_FINDINGS: Readonly<Record<Label, Code>> = {
  normal: SCT.normal,
  'bacterial-pneumonia': SCT.bacterialPneumonia,
  'viral-pneumonia': SCT.viralPneumonia,
};

/** The name of each label's probability. */
export const LABEL_PROBABILITIES: Readonly<Record<Label, Code>> = {
  normal: LOCAL.probabilityNormal,
  'bacterial-pneumonia': LOCAL.probabilityBacterial,
  'viral-pneumonia': LOCAL.probabilityViral,
};

export const PNEUMONIA_ANSWERS = {
  present: SCT.present,
  absent: SCT.absent,
  undetermined: SCT.undetermined,
} as const;

export const APPLICABILITY_ANSWERS = {
  in: LOCAL.applicabilityIn,
  out: LOCAL.applicabilityOut,
  unknown: LOCAL.applicabilityUnknown,
} as const;

export const QUALITY_GRADES = {
  diagnostic: RADLEX.diagnostic,
  limited: RADLEX.limited,
  'non-diagnostic': RADLEX.nonDiagnostic,
} as const;

export const TRIAGE_CATEGORIES = {
  'category-2': RADLEX.actionable2,
  'category-3': RADLEX.actionable3,
  none: LOCAL.triageNone,
  abstained: LOCAL.triageAbstained,
} as const;

const positioning = dcm('111209', 'Positioning');
const inappropriateProcessing = dcm('111219', 'Inappropriate image processing');

/**
 * Codes of CID 6135 for the remarks that lower the quality, by remark code. Every reason is told in words
 * (QUALITY-REMARK), too: the list has no entry for most of them.
 */
export const QUALITY_REASONS: ReadonlyMap<string, Code> = new Map([
  ['raw', inappropriateProcessing],
  ['polarity', inappropriateProcessing],
  ['presentation=contradictory', inappropriateProcessing],
  ['orientation', positioning],
  ['orientation=oblique', positioning],
  ['coverage', positioning],
]);

/** What is known of a coding scheme (PS3.16 8, table 8-1): its UID and name. */
export interface CodingScheme {
  readonly uid: string;
  readonly name: string;
  /** Who keeps a local scheme. */
  readonly organization?: string;
}

/** The schemes used by the builders; a film's own codes may bring others, which have no entry here. */
export const CODING_SCHEMES: ReadonlyMap<string, CodingScheme> = new Map<string, CodingScheme>([
  ['DCM', { uid: '1.2.840.10008.2.16.4', name: 'DICOM Controlled Terminology' }],
  ['SCT', { uid: '2.16.840.1.113883.6.96', name: 'SNOMED CT' }],
  ['LN', { uid: '2.16.840.1.113883.6.1', name: 'LOINC' }],
  ['UCUM', { uid: '2.16.840.1.113883.6.8', name: 'UCUM' }],
  ['RADLEX', { uid: '2.16.840.1.113883.6.256', name: 'RadLex' }],
  ['UMLS', { uid: '2.16.840.1.113883.6.86', name: 'UMLS' }],
  ['RFC5646', { uid: '2.16.840.1.113883.6.316', name: 'RFC 5646' }],
  // hashedUid('coding-scheme', '99DEEPHEALTH')
  [
    LOCAL_SCHEME,
    {
      uid: '2.25.80137143725310500232372485637989589122',
      name: 'Deep Health local codes',
      organization: 'Deep Health project',
    },
  ],
]);
