import type { Charset } from './charset.ts';
import type { LineBreak } from './escape.ts';

export type Hl7Version = '2.5.1' | '2.4' | '2.3.1';

/** What one receiver wants. */
export interface Hl7Profile {
  readonly version: Hl7Version;
  readonly charset: Charset;
  /** Enhanced mode asks for commit and application acknowledgements (MSH-15/16 AL). */
  readonly mode: 'original' | 'enhanced';
  /** MSH-3 to 6: a name, or namespace^universal id^type. */
  readonly sendingApplication: string;
  readonly sendingFacility: string;
  readonly receivingApplication: string;
  readonly receivingFacility: string;
  /** MSH-11. */
  readonly processing: 'P' | 'T' | 'D';
  readonly lineBreak: LineBreak;
  /** Send the conclusion as an Impression (19005-8) too. */
  readonly impression: boolean;
  /** Send the SR's instance UID as an OBX of type HD. */
  readonly srReference: boolean;
  /** Send the priority in OBR-27 too, where the version has TQ1. */
  readonly quantityTiming: boolean;
  /** Without order numbers in the film, its accession number is the filler order number. */
  readonly accessionAsFiller: boolean;
  /** PV1-2. */
  readonly patientClass: string;
  /** OBR-24, table 0074. */
  readonly section: string;
  /** Coding system of TQ1-9. */
  readonly priorityTable: string;
}

export const DEFAULT_HL7_PROFILE: Hl7Profile = {
  version: '2.5.1',
  charset: 'UTF-8',
  mode: 'original',
  sendingApplication: 'DEEPHEALTH',
  sendingFacility: 'RADAI',
  receivingApplication: 'RIS',
  receivingFacility: 'HOSPITAL',
  processing: 'P',
  lineBreak: '.br',
  impression: true,
  srReference: false,
  quantityTiming: false,
  accessionAsFiller: false,
  patientClass: 'U',
  section: 'RAD',
  priorityTable: 'HL70485',
};
