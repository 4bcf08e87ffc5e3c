import type { Config } from '../config/schema.ts';
import type { Delivery, Instance, ReportObject, Study, StudyHistory } from '../ledger/types.ts';
import type { PatientBlock } from '../reading/patient-block.ts';
import type { StudySummary } from '../reading/summary.ts';

const time = (instant: number | null): string | null =>
  instant === null ? null : new Date(instant).toISOString();

/** A study as `/api/studies` and `deep-health studies --json` give it; times are ISO 8601, UTC. */
export function studyJson(study: Study) {
  const { status } = study;
  return {
    study: study.studyUid,
    state: status.state,
    reason: status.state === 'skipped' || status.state === 'failed' ? status.reason : study.lastFailure,
    run: study.run,
    priority: study.priority,
    source: study.source,
    instances: study.instances,
    films: study.films,
    attempts: study.attempts,
    nextAttempt: status.state === 'queued' ? time(status.dueAt) : null,
    deliveries: study.deliveries,
    result: study.summary ?? null,
    noticed: time(study.noticedAt),
    lastInstance: time(study.lastInstanceAt),
    changed: time(study.changedAt),
  };
}

/** Whose study it is, where config allows to show it and it was kept; else null. */
export function patientIn({ display }: Study, { server }: Pick<Config, 'server'>): PatientBlock | null {
  return server.console.showPatient ? ((display ?? null) as PatientBlock | null) : null;
}

/** A study as the console's list shows it. */
export function triageJson(study: Study, config: Pick<Config, 'server'>) {
  return {
    ...studyJson(study),
    result: (study.summary ?? null) as StudySummary | null,
    patient: patientIn(study, config),
  };
}

/** Everything of one study, bytes left out. */
export function historyJson(history: StudyHistory) {
  return {
    ...studyJson(history.study),
    films: history.instances.map(instanceJson),
    readings: history.readings.map(({ run, sopUid, reading, inferredAt }) => ({
      run,
      sopInstanceUid: sopUid,
      ...reading,
      inferred: time(inferredAt),
    })),
    shadow: history.shadowReadings.map(({ run, sopUid, reading, inferredAt }) => ({
      run,
      sopInstanceUid: sopUid,
      ...reading,
      inferred: time(inferredAt),
    })),
    objects: history.objects.map(objectJson),
    deliveries: history.deliveries.map(deliveryJson),
    feedback: history.feedback.map(({ at, ...feedback }) => ({ ...feedback, at: time(at) })),
    events: history.events.map(({ at, ...event }) => ({ ...event, at: time(at) })),
  };
}

function instanceJson({
  sopUid,
  seriesUid,
  sopClassUid,
  role,
  location,
  bytes,
  seenAt,
  selection,
}: Instance) {
  return {
    sopInstanceUid: sopUid,
    seriesInstanceUid: seriesUid,
    sopClassUid,
    role,
    where: location.kind === 'pacs' ? location.pacs : location.kind,
    bytes,
    seen: time(seenAt),
    selection,
  };
}

function objectJson({ run, kind, uid, seriesUid, sopClassUid, sha256, bytes, madeAt }: ReportObject) {
  return { run, kind, uid, seriesInstanceUid: seriesUid, sopClassUid, sha256, bytes, made: time(madeAt) };
}

function deliveryJson(delivery: Delivery) {
  return {
    run: delivery.run,
    destination: delivery.destination,
    via: delivery.via,
    object: { kind: delivery.object.kind, uid: delivery.object.uid },
    state: delivery.state,
    waiting: delivery.waiting,
    attempts: delivery.attempts,
    nextAttempt: delivery.state === 'pending' ? time(delivery.nextAttemptAt) : null,
    lastFailure: delivery.lastFailure,
    firstAttempt: time(delivery.firstAttemptAt),
    ended: time(delivery.endedAt),
  };
}
