import { text } from '../dicom/dataset.ts';
import { type ReportClock, reportClock } from '../dicom/report/clock.ts';
import { type Findings, findingsOf } from '../dicom/report/findings.ts';
import { identitiesOf } from '../dicom/report/identity.ts';
import type { ReadFilm, ReportInput } from '../dicom/report/input.ts';
import { legalValue } from '../dicom/report/legal.ts';
import { DeepHealthError } from '../errors/error.ts';
import { dtm, type Primitives } from './fields.ts';
import type { Hl7Profile } from './profile.ts';

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

/** What the segments of one message are written from. */
export interface Result {
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

/** Everything the segments need, worked out once. */
export function resultOf(input: OruInput, profile: Hl7Profile, make: Primitives): Result {
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
      clock.claimedOffset,
    ),
    analysed: dtm(date, time, offset),
  };
}

/** A date or time of the film, or null when it is none. */
export function legal(vr: 'DA' | 'TM', value: string | undefined): string | null {
  const made = legalValue(vr, value ?? '', 'omit')?.value;
  return typeof made === 'string' ? made : null;
}
