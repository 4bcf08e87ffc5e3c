import { LABELS } from '../ai/reading.ts';
import { text } from '../dicom/dataset.ts';
import type { Remark } from '../dicom/film/film.ts';
import { type ReportClock, reportClock, wallTime } from '../dicom/report/clock.ts';
import {
  APPLICABILITY_ANSWERS,
  DCM,
  LABEL_PROBABILITIES,
  LOCAL,
  LOINC,
  QUALITY_GRADES,
  SCT,
  TRIAGE_CATEGORIES,
} from '../dicom/report/codes.ts';
import { conclusionOf } from '../dicom/report/conclusion.ts';
import { type Findings, findingsOf, summaryOf } from '../dicom/report/findings.ts';
import { identitiesOf } from '../dicom/report/identity.ts';
import type { ReadFilm, ReportInput } from '../dicom/report/input.ts';
import { legalValue } from '../dicom/report/legal.ts';
import { procedureOf } from '../dicom/report/procedure.ts';
import { DEFAULT_REPORT_OPTIONS } from '../dicom/report/report.ts';
import { TEXTS } from '../dicom/report/texts.ts';
import { DeepHealthError } from '../errors/error.ts';
import { CHARSETS, textEncoding } from './charset.ts';
import { coded, components, cx, dtm, ei, type Primitives, primitives, segment, xcn, xpn } from './fields.ts';
import { narrative } from './narrative.ts';
import { nameOf, orderOf, patientAuthority } from './order.ts';
import { DEFAULT_HL7_PROFILE, type Hl7Profile } from './profile.ts';

/** What a result message is made of, beside the report itself. */
export interface OruInput {
  /** The same input that the SRs were made from. */
  readonly report: ReportInput;
  /** MSH-10, at most 20 characters: a retry keeps it, a correction gets a new one. */
  readonly messageId: string;
  /** MSH-7; the moment the message was first made. */
  readonly createdAt: Date;
  /** P preliminary, C correction (a re-read), F only where the site insists. Default P. */
  readonly status?: 'P' | 'C' | 'F';
  /** The stored SR, for receivers that want its UID. */
  readonly srInstanceUid?: string;
  /** Where a person can look at the study. */
  readonly viewerUrl?: string;
}

export interface OruMessage {
  /** The message with its last CR, without MLLP framing. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What could not be sent as the film holds it; no patient data. */
  readonly remarks: readonly Remark[];
}

/**
 * The result as HL7 v2 ORU^R01 (2.5.1 in the shape of IHE RAD-128; 2.4 and 2.3.1 without TQ1). Pure: the same
 * input gives the same bytes. Throws `hl7.message-id-invalid`, `hl7.identifier-unencodable`, and `report.*`
 * as `makeReport` does.
 */
export function buildOru(input: OruInput, profile: Partial<Hl7Profile> = {}): OruMessage {
  if (!/^[A-Za-z0-9._-]{1,20}$/.test(input.messageId)) throw new DeepHealthError('hl7.message-id-invalid');
  const wanted = { ...DEFAULT_HL7_PROFILE, ...profile };
  const encoding = textEncoding(wanted.charset);
  const make = primitives(encoding, wanted.lineBreak);
  const result = resultOf(input, wanted, make);
  const segments = [
    msh(result),
    pid(result),
    pv1(result),
    orc(result),
    obr(result),
    ...(wanted.version === '2.5.1' ? [tq1(result)] : []),
    ...observations(result).map((fields, index) => segment('OBX', { ...fields, 1: String(index + 1) })),
  ];
  return { bytes: encoding.encode(segments.map((line) => `${line}\r`).join('')), remarks: make.remarks };
}

interface Result {
  readonly input: OruInput;
  readonly report: ReportInput;
  readonly profile: Hl7Profile;
  readonly make: Primitives;
  readonly clock: ReportClock;
  readonly first: ReadFilm;
  readonly findings: readonly Findings[];
  readonly studyUid: string;
  /** OBR-7, OBX-14: when the film was made. */
  readonly imaged: string;
  /** OBR-22, OBX-19: when it was read. */
  readonly analysed: string;
}

function resultOf(input: OruInput, profile: Hl7Profile, make: Primitives): Result {
  const { report } = input;
  const [identity] = identitiesOf(report.films);
  const [first] = report.films;
  if (identity === undefined || first === undefined) {
    throw new DeepHealthError('report.content-invalid', 'A result needs a film.');
  }
  const { dataset } = first.film;
  const clock = reportClock(dataset, report.site, report.analysedAt);
  const { date, time, offset } = clock.analysed;
  return {
    input,
    report,
    profile,
    make,
    clock,
    first,
    findings: report.films.map(({ reading }) => findingsOf(reading)),
    studyUid: identity.studyUid,
    imaged: dtm(
      legal('DA', text(dataset, '00080020')),
      legal('TM', text(dataset, '00080030')),
      clock.studyOffset,
    ),
    analysed: dtm(date, time, offset),
  };
}

function legal(vr: 'DA' | 'TM', value: string | undefined): string | null {
  const made = legalValue(vr, value ?? '', 'omit')?.value;
  return typeof made === 'string' ? made : null;
}

function msh({ input, report, profile, make }: Result): string {
  const { date, time, offset } = wallTime(report.site.zone, input.createdAt);
  const application = (name: string) => components(...name.split('^').map(make.text));
  return segment('MSH', {
    2: '^~\\&',
    3: application(profile.sendingApplication),
    4: application(profile.sendingFacility),
    5: application(profile.receivingApplication),
    6: application(profile.receivingFacility),
    7: dtm(date, time, offset),
    9: profile.version === '2.5.1' ? 'ORU^R01^ORU_R01' : 'ORU^R01',
    10: input.messageId,
    11: profile.processing,
    12: profile.version,
    ...(profile.mode === 'enhanced' ? { 15: 'AL', 16: 'AL' } : {}),
    18: CHARSETS[profile.charset],
  });
}

function pid({ first, make }: Result): string {
  const { dataset } = first.film;
  const sex = text(dataset, '00100040')?.toUpperCase() ?? '';
  return segment('PID', {
    1: '1',
    3: cx(text(dataset, '00100020'), patientAuthority(dataset), 'MR', make),
    5: xpn(nameOf(dataset, '00100010'), make),
    7: legal('DA', text(dataset, '00100030')) ?? '',
    8: ['M', 'F', 'O'].includes(sex) ? sex : 'U',
  });
}

function pv1({ first, profile, make }: Result): string {
  const { dataset } = first.film;
  const visit = cx(text(dataset, '00380010'), {}, '', make);
  return segment('PV1', {
    1: '1',
    2: make.text(profile.patientClass),
    8: xcn(nameOf(dataset, '00080090'), make),
    ...(visit === '' ? {} : { 19: visit, 51: 'V' }),
  });
}

function orc({ first, profile, make }: Result): string {
  return segment('ORC', { 1: 'RE', ...orderNumbers(first, profile, make), 5: 'CM' });
}

/** Fields 2 and 3 of ORC and OBR. */
function orderNumbers({ film }: ReadFilm, profile: Hl7Profile, make: Primitives): Record<2 | 3, string> {
  const { placer, filler, accession } = orderOf(film.dataset);
  const stands = profile.accessionAsFiller && placer.number === undefined && filler.number === undefined;
  const ours = stands ? accession : filler;
  return { 2: ei(placer.number, placer.authority, make), 3: ei(ours.number, ours.authority, make) };
}

function obr(result: Result): string {
  const { input, report, first, profile, make } = result;
  const { dataset } = first.film;
  const { accession, reason } = orderOf(dataset);
  const options = { ...DEFAULT_REPORT_OPTIONS, ...report.options };
  const timing = profile.quantityTiming || profile.version !== '2.5.1';
  return segment('OBR', {
    1: '1',
    ...orderNumbers(first, profile, make),
    4: coded(procedureOf(first.film, options.procedures), make),
    7: result.imaged,
    16: xcn(nameOf(dataset, '00321032'), make),
    18: make.identifier(accession.number),
    19: make.identifier(accession.number === undefined ? undefined : accession.authority.namespace),
    22: result.analysed,
    24: make.text(profile.section),
    25: input.status ?? 'P',
    27: timing ? `^^^^^${priority(result).code}` : '',
    31: reason === undefined ? '' : components('', make.text(reason)),
    // OBR-32 stays empty: the principal interpreter is a human.
  });
}

function tq1(result: Result): string {
  const { code, meaning } = priority(result);
  return segment('TQ1', {
    1: '1',
    9: components(code, meaning, result.make.identifier(result.profile.priorityTable)),
  });
}

/** Routine, unless the site switched triage on and the result is one of hours. */
function priority({ findings }: Result) {
  return summaryOf(findings).triage === 'category-2'
    ? { code: 'A', meaning: 'ASAP' }
    : { code: 'R', meaning: 'Routine' };
}

type Fields = Readonly<Record<number, string>>;

function observations(result: Result): Fields[] {
  const { input, profile, make, studyUid, findings, report } = result;
  const texts = TEXTS[report.options?.language ?? DEFAULT_REPORT_OPTIONS.language];
  const { pneumonia } = summaryOf(findings);
  const flag = pneumonia === 'present' ? 'A' : pneumonia === 'absent' ? 'N' : '';
  const written = (name: Parameters<typeof coded>[0], value: string): Fields => ({
    ...resultFields(result),
    2: 'TX',
    3: coded(name, make),
    4: '1',
    5: make.paragraph(value),
    8: flag,
  });
  return [
    {
      2: 'ST',
      3: components('113014', 'DICOM Study', 'DCM'),
      5: make.identifier(studyUid),
      11: 'O',
    },
    written(LOINC.procedureFindings, narrative(findings, texts)),
    ...(profile.impression ? [written(LOINC.impression, conclusionOf(findings, texts))] : []),
    ...findings.flatMap((film, index) => filmObservations(film, String(index + 1), result)),
    ...(profile.srReference && input.srInstanceUid !== undefined
      ? [{ 2: 'HD', 3: '^SR Instance UID', 5: make.identifier(input.srInstanceUid), 11: 'O' }]
      : []),
    ...(input.viewerUrl === undefined
      ? []
      : [
          {
            2: 'RP',
            3: coded(LOINC.diagnosticImagingStudy, make),
            5: components(make.identifier(input.viewerUrl), 'application', 'TX', 'text/html'),
            11: 'O',
          },
        ]),
  ];
}

/** The coded result of one film; OBX-4 groups what belongs to it. */
function filmObservations(film: Findings, subId: string, result: Result): Fields[] {
  const { make, profile } = result;
  const type = profile.version === '2.5.1' ? 'CWE' : 'CE';
  const base = { ...resultFields(result), 4: subId };
  const code = (
    name: Parameters<typeof coded>[0],
    value: Parameters<typeof coded>[0],
    flag = '',
  ): Fields => ({
    ...base,
    2: type,
    3: coded(name, make),
    5: coded(value, make),
    8: flag,
  });
  const flag = film.label === 'normal' ? 'N' : 'A';
  return [
    film.finding === null ? code(DCM.finding, SCT.undetermined) : code(DCM.finding, film.finding, flag),
    ...LABELS.map((label) => ({
      ...base,
      2: 'NM',
      3: coded(LABEL_PROBABILITIES[label], make),
      5: film.percents[label],
      6: components('%', 'percent', 'UCUM'),
    })),
    ...(film.triage === 'off' ? [] : [code(LOCAL.triage, TRIAGE_CATEGORIES[film.triage])]),
    code(DCM.qualityAssessment, QUALITY_GRADES[film.quality.status]),
    code(LOCAL.applicability, APPLICABILITY_ANSWERS[film.applicability.status]),
  ];
}

/** Status, times and the device; a field that a version does not know yet is not sent. */
function resultFields({ input, report, profile, make, first, imaged, analysed }: Result): Fields {
  const { station } = report;
  const { model } = first.reading;
  return {
    11: input.status ?? 'P',
    14: imaged,
    15: components(
      make.text(profile.sendingApplication.split('^')[0] ?? ''),
      make.text(`${station.modelName} ${station.version}`),
      'L',
    ),
    17: components(
      make.text(LOCAL.chestClassifier.value),
      make.text(`${model.name} ${model.version}`),
      make.text(LOCAL.chestClassifier.scheme),
    ),
    ...(profile.version === '2.3.1'
      ? {}
      : {
          18: components(
            make.text(station.serialNumber),
            make.text(profile.sendingApplication.split('^')[0] ?? ''),
          ),
          19: analysed,
        }),
  };
}
