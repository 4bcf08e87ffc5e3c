import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { Remark } from '../dicom/film/film.ts';
import type { DocumentReference, ReportProfile } from '../dicom/report/input.ts';
import type { ReportObject as DicomObject } from '../dicom/report/report.ts';
import type {
  NewReportObject,
  ReportObject,
  ReportObjectKind,
  StudyClaim,
  StudyReport,
} from '../ledger/types.ts';
import { instanceUid } from '../ledger/uids.ts';
import { makeMessage } from './message.ts';
import { patientBlock } from './patient-block.ts';
import { type MadeObject, planDeliveries, receiversOf } from './plan-deliveries.ts';
import type { LookedAt, StudyFilm } from './read-study.ts';
import { makeResults } from './results.ts';
import type { ResultSettings } from './settings.ts';
import { summaryOf } from './summary.ts';

export interface Reporting {
  readonly config: Pick<Config, 'pacs' | 'ris' | 'report' | 'server'>;
  readonly settings: ResultSettings;
  /** Something of the film could not be said to a receiver as it is. */
  onRemark(receiver: string | null, remark: Remark): void;
}

/**
 * Everything that has to be recorded about a study that was read: readings, made objects as bytes, and what
 * goes where.
 *
 * @param earlier objects that were made of the study before, in the order they were made
 * @param analysedAt end of the inference
 */
export function studyReport(
  claim: Pick<StudyClaim, 'studyUid' | 'source'>,
  films: readonly StudyFilm[],
  instances: LookedAt,
  earlier: readonly ReportObject[],
  analysedAt: Date,
  { config, settings, onRemark }: Reporting,
): StudyReport {
  const predecessors = {
    ...predecessor('air', claim.studyUid, earlier),
    ...predecessor('text', claim.studyUid, earlier),
  };
  const corrects = Object.keys(predecessors).length > 0;
  const results = makeResults(
    films.map(({ film, sha256, outcome, drawn }) => ({
      ...{ film, contentDigest: sha256, outcome },
      ...(drawn === undefined ? {} : { drawn }),
    })),
    settings,
    { analysedAt, ...(corrects ? { predecessors, revision: revisionOf(earlier) } : {}) },
  );
  const { report } = results;
  const [first] = films;
  const objects: (NewReportObject & MadeObject)[] = [];
  for (const heatmap of report.heatmaps) if (heatmap !== null) objects.push(dicomObject('heat-map', heatmap));
  if (report.text !== undefined) objects.push(dicomObject('sr-text', report.text));
  if (report.air !== undefined) objects.push(dicomObject('sr-air', report.air));
  // Read again with the same outcome (no film, model or text changed): there is nothing to correct.
  const made = new Set(earlier.map(({ uid }) => uid));
  const isNew = objects.some(({ kind, uid }) => kind !== 'heat-map' && !made.has(uid));
  for (const receiver of isNew ? receiversOf(config, claim.source) : []) {
    const { controlId, bytes, remarks } = makeMessage(results, { receiver, corrects, createdAt: analysedAt });
    const name = receiver?.name ?? null;
    for (const remark of remarks) onRemark(name, remark);
    objects.push({
      key: `oru ${name ?? ''}`,
      kind: 'oru',
      uid: controlId,
      seriesUid: null,
      sopClassUid: null,
      ...stored(bytes),
      receiver: name,
    });
  }
  return {
    instances,
    readings: films.map(({ instance, outcome }) => ({
      sopUid: instanceUid(instance.sopUid),
      reading: outcome.reading,
      inferredAt: analysedAt.getTime(),
    })),
    objects,
    deliveries: planDeliveries(objects, config, claim.source),
    summary: summaryOf(
      films.map(({ outcome }) => outcome.reading),
      report.conclusion,
    ),
    ...(config.server.console.showPatient && first !== undefined
      ? { display: patientBlock(first.film.dataset) }
      : {}),
  };
}

function dicomObject(kind: ReportObjectKind, object: DicomObject): NewReportObject & MadeObject {
  return {
    key: `${kind} ${object.sopInstanceUid}`,
    kind,
    uid: object.sopInstanceUid,
    seriesUid: object.seriesInstanceUid,
    sopClassUid: object.sopClassUid,
    ...stored(object.bytes),
  };
}

function stored(bytes: Uint8Array): Pick<NewReportObject, 'body' | 'sha256' | 'bytes'> {
  return {
    body: { kind: 'inline', bytes },
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
  };
}

const KINDS: Readonly<Record<ReportProfile, ReportObjectKind>> = { air: 'sr-air', text: 'sr-text' };

/** The latest report of a profile. */
function predecessor(
  profile: ReportProfile,
  studyInstanceUid: string,
  earlier: readonly ReportObject[],
): { readonly [Profile in ReportProfile]?: DocumentReference } {
  const last = earlier.findLast(({ kind }) => kind === KINDS[profile]);
  if (last === undefined || last.seriesUid === null || last.sopClassUid === null) return {};
  return {
    [profile]: {
      studyInstanceUid,
      seriesInstanceUid: last.seriesUid,
      sopClassUid: last.sopClassUid,
      sopInstanceUid: last.uid,
    },
  };
}

/** How many readings of the study were reported before. */
function revisionOf(earlier: readonly ReportObject[]): number {
  return new Set(earlier.filter(({ kind }) => kind.startsWith('sr-')).map(({ run }) => run)).size;
}
