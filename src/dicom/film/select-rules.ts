/** Words and codes that speak for and against; `refuse` is looked at first. */
export interface Evidence {
  readonly accept: readonly string[];
  readonly refuse: readonly string[];
}

/**
 * Which instances are frontal chest films. All of it is plain data, so that a config file can hold it; the
 * defaults are `DEFAULT_RULES`.
 *
 * Words are compared without case and accents, word by word (`P-A` is the words `P A`), several in a row as a
 * phrase; `*` stands for any rest of a word (`THORA*`, `*CHEST*`). Codes are compared by Code Value alone, since the
 * designators of one code differ between writers.
 */
export interface SelectRules {
  /** SOP Class UIDs of films. */
  readonly sopClasses: readonly string[];
  /**
   * Whether Secondary Capture images that say one of `modalities`, and films whose Image Type says SECONDARY,
   * count too (digitisers, teaching files, converted archives).
   */
  readonly secondaryCapture: boolean;
  /** Modalities of films. */
  readonly modalities: readonly string[];
  /** A film of which nothing tells view or body part: refused, or read with a remark. */
  readonly unknownView: 'refuse' | 'flag';
  /** Words in Image Type (from value 3 on) and in descriptions of pictures that were computed from a film. */
  readonly derivedTypes: readonly string[];
  readonly derivedWords: readonly string[];
  /** Manufacturers whose derived objects of other modalities are no films: ourselves. */
  readonly ownManufacturers: readonly string[];
  /** Body Part Examined. */
  readonly bodyParts: Evidence;
  /** Anatomic Region Sequence. */
  readonly regionCodes: Evidence;
  /** Descriptions of series, protocol, processing, study and procedure step. */
  readonly bodyWords: Evidence;
  /** View Position. */
  readonly viewPositions: Evidence;
  /** View Code Sequence. */
  readonly viewCodes: Evidence;
  /** The same descriptions as for `bodyWords`. */
  readonly viewWords: Evidence;
  /** Shortest side of a film, in pixels. */
  readonly minSide: number;
  /** Rows / Columns lies strictly between these. */
  readonly minAspect: number;
  readonly maxAspect: number;
}

/** The chest, as body part and as word of a description. */
const CHEST_WORDS: readonly string[] = [
  '*CHEST*',
  '*THORA*',
  '*TORAX*',
  '*LUNG*',
  'PULMO*',
  'CXR',
  'BRUST*',
  'BORSTKAS*',
  'POUMON*',
  'KLATK* PIERS*',
  'HRUD*',
  'MELLKAS*',
  'AKCIGER*',
  'ГРУД*',
  'ОГК',
  '*胸*',
];

/** Another part of the body, as word of a description. */
const OTHER_BODY_PARTS: readonly string[] = [
  '*ABD*',
  'RIB',
  'RIBS',
  'RIPPEN*',
  '*SPINE*',
  'WIRBEL*',
  'CLAVI*',
  'SHOULDER*',
  'SCHULTER*',
  'SKULL*',
  'STERNUM',
  'SCAPULA*',
  'PELVI*',
  'BECKEN*',
  'HIP',
  'HIPS',
  'HAND*',
  'FOOT',
  'FEET',
  'KNEE*',
  'ELBOW*',
  'WRIST*',
  'ANKLE*',
  'KUB',
  'NECK',
  'BABYGRAM*',
  'WHOLEBODY',
  'WHOLE BODY',
];

const LATERAL_AND_OBLIQUE_WORDS: readonly string[] = [
  'LAT',
  'LATERAL*',
  'LATD',
  'LL',
  'RL',
  'LLD',
  'RLD',
  'LLO',
  'RLO',
  'RAO',
  'LAO',
  'RPO',
  'LPO',
  'OBL*',
  'DECUB*',
  'LORDOTIC',
  'SEITLICH*',
  'PROFIL*',
  'ZIJ*',
  'БОКОВ*',
  '*側面*',
  '*侧位*',
  '*側位*',
];

const FRONTAL_WORDS: readonly string[] = [
  'PA',
  'AP',
  'P A',
  'A P',
  'FRONT*',
  'ANTEROPOST*',
  'POSTEROANT*',
  'ANTERO POSTERIOR',
  'POSTERO ANTERIOR',
  'ПРЯМ*',
  '*正面*',
  '*正位*',
];

/**
 * The rules of a first installation: CR and DX for presentation (PS3.3 A.2, A.26), chest (PS3.16 Annex L), AP or
 * PA (CID 4010 and the older SNOMED RT codes of the same views).
 */
export const DEFAULT_RULES: SelectRules = {
  sopClasses: ['1.2.840.10008.5.1.4.1.1.1', '1.2.840.10008.5.1.4.1.1.1.1'],
  secondaryCapture: false,
  modalities: ['CR', 'DX'],
  unknownView: 'refuse',
  derivedTypes: [
    'LOCALIZER',
    'BONE*',
    'SOFT*',
    'SUBTRACT*',
    'GRIDLINE*',
    'TUBE*',
    'LINE',
    'ENERGY*',
    'HEATMAP',
  ],
  derivedWords: [
    'BONE*',
    'SOFT',
    'SOFT TISSUE',
    'SOFTTISSUE',
    'SUPPRESS*',
    'SUBTRACT*',
    'DUAL ENERGY',
    'GRIDLINE*',
    'TUBE ENH*',
    'LINE ENH*',
    'TUBE LINE ENH*',
    'CLEARREAD*',
    'HEATMAP',
    'HEAT MAP',
    'LOCALIZER',
  ],
  ownManufacturers: ['DEEP HEALTH', 'DEEPHEALTH'],
  bodyParts: {
    accept: CHEST_WORDS,
    refuse: OTHER_BODY_PARTS,
  },
  regionCodes: {
    // Chest and lung; against it chest and abdomen, ribs, clavicle, shoulder, sternum, thoracic spine, abdomen.
    accept: ['51185008', 'T-D3000', '39607008', 'T-28000'],
    refuse: ['416550000', '113197003', '51299004', '16982005', '56873002', '122495006', '113345001'],
  },
  bodyWords: {
    accept: CHEST_WORDS,
    refuse: OTHER_BODY_PARTS,
  },
  viewPositions: {
    accept: FRONTAL_WORDS,
    refuse: [...LATERAL_AND_OBLIQUE_WORDS, 'AX*', 'TAN*', 'SAG*', 'ML', 'LM', 'CC', 'MLO'],
  },
  viewCodes: {
    // Postero-anterior, antero-posterior, frontal.
    accept: ['272479007', '399348003', '399033003', 'R-40888', 'R-10214', 'R-10206', 'R-10202'],
    // Laterals; then obliques; then axial and tangential.
    refuse: [
      '399067008',
      '49370004',
      '399173006',
      '399198007',
      '399012007',
      '399260004',
      '399300004',
      '399352003',
      'R-102CD',
      'R-10236',
      'R-10232',
      '399135007',
      '399074003',
      '399108003',
      '399356000',
      '399136008',
      '399006002',
      '399075002',
      '399038007',
      '399182000',
      '399366008',
      '21114003',
      '399236003',
      '399184004',
      '399160007',
      '399059000',
      '399312000',
      'R-10220',
      'R-10212',
      'R-10210',
      'R-102C1',
      'R-10238',
      'R-10234',
      'R-10204',
      'G-A472',
      'G-5206',
      'G-5207',
      'G-5208',
      'G-5209',
      '399061009',
      '24422004',
      '399110001',
      'R-10241',
    ],
  },
  viewWords: {
    // A single view of the chest is the frontal one; LAT beside it would make it doubtful.
    accept: [
      ...FRONTAL_WORDS,
      'PORTABLE',
      'BEDSIDE',
      'SUPINE',
      '1 VIEW',
      '1 VW',
      '1V',
      'ONE VIEW',
      'SINGLE VIEW',
    ],
    refuse: LATERAL_AND_OBLIQUE_WORDS,
  },
  minSide: 512,
  minAspect: 0.5,
  maxAspect: 2,
};
