import { setTimeout as sleep } from 'node:timers/promises';
import type { Model } from '../ai/classify.ts';
import { DeepHealthError } from '../errors/error.ts';
import type { Ledger, NewReportObject, ReportObject, StudyClaim } from '../ledger/types.ts';
import type { AuditInForce } from '../observe/audit/in-force.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { StudyKey } from '../observe/study-key.ts';
import type { StudyHandler } from '../queue/types.ts';
import type { HeadStart } from './head-start.ts';
import type { JustMade } from './just-made.ts';
import type { ModelInForce } from './model-in-force.ts';
import { noteStudyRead } from './note-study.ts';
import { readStudy, type StudyFilm, type StudyReader, type StudyReading } from './read-study.ts';
import { keepInFiles } from './result-files.ts';
import { codeOf, verdictOf } from './retry.ts';
import type { Shadow } from './shadow.ts';
import { reached } from './stop-points.ts';
import { type Reporting, studyReport } from './study-report.ts';

export interface StudyHandling {
  readonly ledger: Ledger;
  readonly reader: StudyReader;
  readonly models: ModelInForce;
  reporting(model: Model): Omit<Reporting, 'onRemark'>;
  readonly log: Log;
  readonly keyOf: StudyKey;
  readonly metrics: Metrics;
  readonly audit: AuditInForce;
  readonly shadow: Shadow;
  /** Aborted when the process must end now: studies in hand are put back. */
  readonly signal: AbortSignal;
  readonly headStart: Pick<HeadStart, 'idle'>;
  /** Deliveries were recorded. */
  readonly onReported: () => void;
  /** Where results are kept for deliverers of this process. */
  readonly justMade?: JustMade | undefined;
}

/** Brings a claimed study to an end in the ledger: reported, skipped, failed, or again later. */
export function studyHandler(handling: StudyHandling): StudyHandler {
  return async (claim, lost) => {
    reached('reading.claimed');
    const began = performance.now();
    const signal = AbortSignal.any([handling.signal, lost]);
    const study = handling.keyOf(claim.studyUid);
    // The job is one reading of a study; its lines and those of its deliveries share it.
    const entry = { job: `${study}.${claim.run}`, study, run: claim.run, source: claim.source.kind };
    const took = () => (performance.now() - began) / 1000;
    const arrived = arrivalOf(claim, handling.ledger);
    sinceArrival(arrived, 'claimed', handling.metrics);
    // Readers died over it: if it happens again, nobody else's film may be blamed for it.
    if (claim.deaths > 0) await handling.headStart.idle();
    try {
      const reading = await handling.models.use(async (model) => {
        const found = await readStudy(claim, handling.reader, model, signal);
        signal.throwIfAborted();
        await record(claim, found, model, handling);
        return found;
      });
      const ms = Math.round(took() * 1000);
      switch (reading.kind) {
        case 'read':
          handling.metrics.studyRead('reported', null, took());
          sinceArrival(arrived, 'reported', handling.metrics);
          noteStudyRead(claim, claim.studyUid, reading.films, handling);
          handling.log.info(
            { ...entry, ms, films: reading.films.length, steps: stepsOf(reading.films) },
            'Read and reported',
          );
          handling.onReported();
          handling.shadow.offer(claim, reading.films, entry);
          break;
        case 'nothing-to-read':
          handling.metrics.studyRead('skipped', reading.reason.code, took());
          handling.log.info({ ...entry, ms, ...reading.reason }, 'Skipped: nothing to read');
          break;
        case 'unreadable':
          handling.metrics.studyRead('failed', reading.reason.code, took());
          handling.log.error({ ...entry, ms, ...reading.reason }, 'Failed: no film could be read');
      }
    } catch (error) {
      await endAttempt(claim, error, handling, { lost, entry });
      handling.metrics.studyRead('again', codeOf(error).code, took());
    }
  };
}

/** Milliseconds of each step, over all films. */
function stepsOf(films: readonly StudyFilm[]): Readonly<Record<string, number>> {
  const steps = { read: 0, decode: 0, prepare: 0, infer: 0 };
  for (const { film, outcome } of films) {
    steps.read += film.timings.read;
    steps.decode += film.timings.decode;
    steps.prepare += outcome.timings.prepare;
    steps.infer += outcome.timings.infer;
  }
  return Object.fromEntries(Object.entries(steps).map(([step, ms]) => [step, Math.round(ms)]));
}

/** When the last instance of the study came; null where nobody knows. */
async function arrivalOf({ studyUid }: StudyClaim, ledger: Ledger): Promise<number | null> {
  const study = await ledger.studies.get(studyUid).catch(() => undefined);
  return study?.lastInstanceAt ?? null;
}

function sinceArrival(
  arrived: Promise<number | null>,
  until: 'claimed' | 'reported',
  metrics: Metrics,
): void {
  const now = Date.now();
  void arrived.then((at) => at !== null && metrics.studyReached(until, (now - at) / 1000));
}

async function record(
  claim: StudyClaim,
  reading: StudyReading,
  model: Model,
  handling: StudyHandling,
): Promise<void> {
  const { ledger } = handling;
  switch (reading.kind) {
    case 'nothing-to-read':
      return ledger.claims.skip(claim, reading.reason, reading.instances);
    case 'unreadable':
      return ledger.claims.fail(claim, reading.reason, reading.instances);
    case 'read': {
      const earlier = (await ledger.readings.objects(claim.studyUid)).filter(({ run }) => run < claim.run);
      const { films, instances } = reading;
      const made = studyReport(claim, films, instances, earlier, new Date(), {
        ...handling.reporting(model),
        onRemark: (receiver, { code, message }) =>
          handling.log.warn(
            { study: handling.keyOf(claim.studyUid), ris: receiver, code },
            `HL7 message: ${message}`,
          ),
      });
      reached('reading.made');
      const objects = await stored(made.objects, earlier, handling);
      reached('reading.stored');
      await ledger.claims.report(claim, { ...made, objects });
      for (const { body, sha256 } of made.objects) {
        if (body.kind === 'inline') handling.justMade?.keep(sha256, body.bytes);
      }
      reached('reading.recorded');
    }
  }
}

/** Large results in files, where every process that delivers them shares the data folder: all are on its machine. */
async function stored(
  objects: readonly NewReportObject[],
  earlier: readonly ReportObject[],
  { ledger, reader }: Pick<StudyHandling, 'ledger' | 'reader'>,
): Promise<readonly NewReportObject[]> {
  return ledger.dialect === 'sqlite' ? keepInFiles(objects, earlier, reader.folder) : objects;
}

/** What follows when a study could not be read to its end. */
async function endAttempt(
  claim: StudyClaim,
  error: unknown,
  handling: StudyHandling,
  { lost, entry }: { readonly lost: AbortSignal; readonly entry: object },
): Promise<void> {
  const { ledger, log } = handling;
  const write = (work: () => Promise<unknown>) => insist(work, AbortSignal.any([lost, handling.signal]));
  if (lost.aborted || (error instanceof DeepHealthError && error.code === 'ledger.claim-lost')) {
    log.info(entry, 'The study changed or was taken over while it was read; this reading is dropped');
    return;
  }
  if (handling.signal.aborted) {
    await ledger.claims.putBack(claim);
    log.info(entry, 'Put back: the service is stopping');
    return;
  }
  const { code, message } = codeOf(error);
  const now = Date.now();
  const attempts = { failures: claim.attempts + 1, firstAttemptAt: claim.firstAttemptAt, now };
  // An unknown failure that comes again and again is a defect: the study must not go round for ever.
  const limited = code === 'internal.unexpected' && attempts.failures >= 5;
  const verdict = limited
    ? ({
        kind: 'park',
        reason: { code, message: 'Reading failed five times for an unknown reason.' },
      } as const)
    : verdictOf(code, attempts, message);
  if (verdict.kind === 'park') {
    await write(() => ledger.claims.fail(claim, verdict.reason));
    log.error({ ...entry, ...loggedFailure(error) }, 'Failed: somebody has to act');
  } else {
    await write(() => ledger.claims.retryLater(claim, verdict.reason, verdict.at));
    log.warn({ ...entry, ...loggedFailure(error), inMs: verdict.at - now }, 'Not read; it is tried again');
  }
}

const LEDGER_AWAY_MS = 1000;

/**
 * Writes how an attempt ended, for as long as the database is away or its disk full: left to the end of the
 * lease it would count as a reader that died, and a study is parked after a few of those.
 */
async function insist(work: () => Promise<unknown>, ends: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      const passes =
        error instanceof DeepHealthError && error.code.startsWith('ledger.') && error.retry !== 'permanent';
      if (!passes || ends.aborted) throw error;
      await sleep(LEDGER_AWAY_MS, undefined, { signal: ends }).catch(() => {});
    }
  }
}
