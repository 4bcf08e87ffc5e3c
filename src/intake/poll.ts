import { schedule } from 'node-cron';
import type { Config } from '../config/schema.ts';
import type { DicomWebClient } from '../dicom/web/client.ts';
import type { Ledger, ReadingJob } from '../ledger/types.ts';
import { type StudyUid, studyUid } from '../ledger/uids.ts';
import { watchClock } from '../observe/clock.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { StudyKey } from '../observe/study-key.ts';
import { listInstances } from '../reading/gather.ts';
import { reached } from '../reading/stop-points.ts';
import type { IntakeRules } from './film-classes.ts';

export interface Polling {
  readonly ledger: Pick<Ledger, 'studies' | 'films' | 'polls'>;
  readonly log: Log;
  readonly keyOf: StudyKey;
  readonly metrics: Metrics;
  select(): IntakeRules;
  /** Whether there is room for more; while there is none, nothing is taken in. */
  storageLow(): Promise<boolean>;
  /** Tells the queue of studies that settled. */
  publish(jobs: readonly ReadingJob[]): Promise<void>;
}

export interface Poller {
  /** No further poll; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

/**
 * Asks one archive for studies on its schedule; a poll that takes longer than the schedule's pause is not
 * overlapped by the next. A poll that fails is logged and the next one tries again.
 */
export function startPolling(
  pacs: Config['pacs'][number] & { readonly poll: NonNullable<Config['pacs'][number]['poll']> },
  client: DicomWebClient,
  polling: Polling,
): Poller {
  const { log, metrics } = polling;
  /** Number of instances of studies that need no second look, so that they cost no query and no write. */
  const settled = new Map<string, number>();
  let underway: Promise<void> = Promise.resolve();
  let stopping = false;
  let failing = false;
  let busy = false;

  async function once(): Promise<void> {
    busy = true;
    try {
      if (await polling.storageLow()) return;
      await poll(pacs.name, pacs.poll, client, polling, settled, () => stopping);
      metrics.polled(pacs.name, 'done');
      if (failing) log.info({ pacs: pacs.name }, 'The archive answers again');
      failing = false;
    } catch (error) {
      metrics.polled(pacs.name, 'failed');
      log[failing ? 'debug' : 'warn']({ pacs: pacs.name, ...loggedFailure(error) }, 'A poll failed');
      failing = true;
    } finally {
      busy = false;
    }
  }

  const begin = () =>
    schedule(
      pacs.poll.schedule,
      () => {
        // A schedule that was begun anew knows nothing of the poll that its predecessor began.
        if (!busy) underway = once();
        return underway;
      },
      { noOverlap: true, suppressMissedWarning: true, logger: quiet },
    );
  let task = begin();
  // A schedule waits for an instant: when the clock is set back by an hour, it would sleep for an hour.
  const clock = watchClock();
  const watch = setInterval(() => {
    if (clock.setBackMs() === 0) return;
    void task.destroy();
    task = begin();
  }, CLOCK_MS);
  return {
    async stop() {
      stopping = true;
      clearInterval(watch);
      await task.destroy();
      await underway;
    },
  };
}

const CLOCK_MS = 1000;

const silent = (): void => {};
const quiet = { info: silent, warn: silent, error: silent, debug: silent };

/** One look at the archive. */
async function poll(
  pacs: string,
  { days, settlePolls }: { readonly days: number; readonly settlePolls: number },
  client: DicomWebClient,
  polling: Polling,
  settled: Map<string, number>,
  stopping: () => boolean,
): Promise<void> {
  const shown = await client.searchStudies(dateWindow(new Date(), days));
  for (const study of shown) {
    if (stopping()) return;
    const uid = studyUid(study.studyInstanceUid);
    try {
      const count = study.instanceCount ?? (await client.searchInstances(uid)).length;
      if (settled.get(uid) === count) continue;
      if (await lookAtStudy(pacs, uid, count, settlePolls, client, polling)) settled.set(uid, count);
    } catch (error) {
      // One study that the archive cannot show must not keep the others from being seen.
      polling.log.warn(
        { pacs, study: polling.keyOf(uid), ...loggedFailure(error) },
        'A study could not be looked at',
      );
    }
  }
  const present = new Set(shown.map(({ studyInstanceUid }) => studyInstanceUid));
  for (const uid of settled.keys()) if (!present.has(uid)) settled.delete(uid);
}

/**
 * Notes a study that the archive shows with `count` instances. True when there is nothing more to do until
 * that number changes.
 */
async function lookAtStudy(
  pacs: string,
  uid: StudyUid,
  count: number,
  settlePolls: number,
  client: DicomWebClient,
  { ledger, select, publish, log, keyOf }: Polling,
): Promise<boolean> {
  const source = { kind: 'poll', pacs } as const;
  const known = await ledger.studies.get(uid);
  const seen = await ledger.polls.observe(pacs, uid, count);
  const polls = seen.kind === 'same' ? seen.polls : 1;
  if (known === undefined) {
    await ledger.studies.notice({ studyUid: uid, source, priority: 'routine', settleAt: fallback() });
    log.info({ pacs, study: keyOf(uid), instances: count }, 'A new study');
  }
  if (polls < settlePolls) return false;
  // The number stands still: what the archive has now is the study. Late films re-open one that was read.
  const instances = await listInstances(client, uid, select());
  const outcome = await ledger.studies.notice({
    studyUid: uid,
    source,
    priority: 'routine',
    settleAt: fallback(),
    instances,
  });
  if (outcome.kind === 'reopened')
    log.info({ pacs, study: keyOf(uid) }, 'Late films: the study is read again');
  if (outcome.state !== 'settling') return true;
  const settledNow = await ledger.studies.settle(uid);
  reached('intake.settled');
  if (settledNow.kind === 'queued') await publish([settledNow.job]);
  return true;
}

/**
 * Without further polls (the archive or this process stays away until the study has left the window) a study
 * that was seen is read all the same.
 */
const fallback = () => Date.now() + 60 * 60_000;

/** Study dates to ask for: so many days back, and tomorrow, since clocks and zones differ. */
export function dateWindow(now: Date, days: number): { readonly from: string; readonly to: string } {
  const day = (offset: number) =>
    new Date(now.getTime() + offset * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  return { from: day(-days), to: day(1) };
}
