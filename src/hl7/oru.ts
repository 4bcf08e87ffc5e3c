import { text } from '../dicom/dataset.ts';
import type { Remark } from '../dicom/film/film.ts';
import { wallTime } from '../dicom/report/clock.ts';
import { summaryOf } from '../dicom/report/findings.ts';
import type { ReadFilm } from '../dicom/report/input.ts';
import { procedureOf } from '../dicom/report/procedure.ts';
import { DEFAULT_REPORT_OPTIONS } from '../dicom/report/report.ts';
import { DeepHealthError } from '../errors/error.ts';
import { CHARSETS, textEncoding } from './charset.ts';
import { coded, components, cx, dtm, ei, type Primitives, primitives, segment, xcn, xpn } from './fields.ts';
import { observations } from './observations.ts';
import { identifierIn, nameOf, orderOf, patientAuthority } from './order.ts';
import { DEFAULT_HL7_PROFILE, type Hl7Profile } from './profile.ts';
import { legal, type OruInput, type Result, resultOf } from './result.ts';

export type { OruInput } from './result.ts';

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
    3: cx(identifierIn(dataset, '00100020'), patientAuthority(dataset), 'MR', make),
    5: xpn(nameOf(dataset, '00100010'), make),
    7: legal('DA', text(dataset, '00100030')) ?? '',
    8: ['M', 'F', 'O'].includes(sex) ? sex : 'U',
  });
}

function pv1({ first, profile, make }: Result): string {
  const { dataset } = first.film;
  const visit = cx(identifierIn(dataset, '00380010'), {}, '', make);
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
  const stands = profile.accessionAsFiller && placer.number.length === 0 && filler.number.length === 0;
  const ours = stands ? accession : filler;
  return { 2: ei(placer.number, placer.authority, make), 3: ei(ours.number, ours.authority, make) };
}

function obr(result: Result): string {
  const { input, report, first, profile, make } = result;
  const { dataset } = first.film;
  const { accession, reason } = orderOf(dataset);
  const options = { ...DEFAULT_REPORT_OPTIONS, ...report.options };
  // IHE RAD: Placer Field 1 is the accession number, Placer Field 2 its issuer.
  const accessionNumber = make.identifier(accession.number);
  const timing = profile.quantityTiming || profile.version !== '2.5.1';
  return segment('OBR', {
    1: '1',
    ...orderNumbers(first, profile, make),
    4: coded(procedureOf(first.film, options.procedures), make),
    7: result.imaged,
    16: xcn(nameOf(dataset, '00321032'), make),
    18: accessionNumber,
    19: accessionNumber === '' ? '' : make.identifier(accession.authority.namespace),
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
