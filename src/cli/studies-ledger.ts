import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { requireConfig } from '../config/require.ts';
import type { Config } from '../config/schema.ts';
import { DeepHealthError } from '../errors/error.ts';
import { openDataFolder } from '../intake/data-folder.ts';
import { forgetStudy } from '../intake/retention.ts';
import { openLedger } from '../ledger/ledger.ts';
import { type Ledger, STUDY_STATES, type Study, type StudyState } from '../ledger/types.ts';
import { type StudyUid, studyUid } from '../ledger/uids.ts';
import { loadStudyKey } from '../observe/study-key.ts';
import { historyJson, studyJson } from '../server/study-json.ts';
import { EXIT } from './exit.ts';
import type { StudiesOptions } from './studies.ts';

const PAGE = 500;

/** `studies list`. Throws `usage.wrong`, `config.invalid`, `ledger.*`. */
export async function listStudies(
  file: string | null,
  options: StudiesOptions & { state?: string; since?: string; limit: string },
): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new DeepHealthError('usage.wrong', '--limit is a number from 1.');
  const since = options.since === undefined ? undefined : Date.parse(options.since);
  if (Number.isNaN(since))
    throw new DeepHealthError('usage.wrong', '--since is a date or time such as 2026-11-22.');
  const state = STUDY_STATES.find((each) => each === options.state);
  await withLedger(file, async (ledger) => {
    let left = limit;
    for await (const study of studiesOf(ledger, state, since)) {
      if (left === 0) return;
      left -= 1;
      say(options, studyJson(study), () => `${lineOf(study)}\n`);
    }
  });
}

async function* studiesOf(
  ledger: Ledger,
  state: StudyState | undefined,
  since: number | undefined,
): AsyncGenerator<Study> {
  let cursor: string | null = null;
  do {
    const page = await ledger.studies.list({
      ...(state === undefined ? {} : { state }),
      ...(since === undefined ? {} : { since }),
      ...(cursor === null ? {} : { cursor }),
      limit: PAGE,
    });
    yield* page.studies;
    cursor = page.next;
  } while (cursor !== null);
}

function lineOf(study: Study): string {
  const { status, deliveries } = study;
  const reason = status.state === 'skipped' || status.state === 'failed' ? status.reason : study.lastFailure;
  const waiting = deliveries.pending > 0 ? ` ${deliveries.pending} to deliver` : '';
  const parked = deliveries.parked > 0 ? ` ${deliveries.parked} PARKED` : '';
  return [
    new Date(study.noticedAt).toISOString().slice(0, 19).replace('T', ' '),
    status.state.padEnd(9),
    study.studyUid,
    `${study.films} film${study.films === 1 ? '' : 's'}${waiting}${parked}`,
    reason === null ? '' : `${reason.code}: ${reason.message}`,
  ]
    .join('  ')
    .trimEnd();
}

/** `studies show`. Throws `ledger.uid-invalid`; exit code 1 for a study that is not there. */
export async function showStudy(file: string | null, study: string, options: StudiesOptions): Promise<void> {
  const uid = studyUid(study);
  await withLedger(file, async (ledger, keyOf) => {
    const history = await ledger.studies.history(uid);
    if (history === undefined) {
      notThere(uid);
      return;
    }
    const shown = { logKey: keyOf(uid), ...historyJson(history) };
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify(shown)}\n`);
      return;
    }
    const { stringify } = await import('yaml');
    process.stdout.write(stringify(shown));
  });
}

/** `studies retry`: failed studies are read again, parked deliveries are sent again. */
export async function retryStudies(
  file: string | null,
  given: readonly string[],
  options: StudiesOptions & { reread?: boolean },
): Promise<void> {
  if (given.length === 0 && options.reread === true) {
    throw new DeepHealthError('usage.wrong', 'Name the studies that are to be read again.');
  }
  const named = given.map(studyUid);
  await withLedger(file, async (ledger) => {
    const chosen = new Set<StudyUid>(named);
    if (given.length === 0) {
      for await (const { studyUid: uid } of studiesOf(ledger, 'failed', undefined)) chosen.add(uid);
      for await (const { studyUid: uid, deliveries } of studiesOf(ledger, 'reported', undefined)) {
        if (deliveries.parked > 0) chosen.add(uid);
      }
    }
    for (const uid of chosen) {
      const outcome =
        options.reread === true ? await ledger.studies.reread(uid) : await ledger.studies.retry(uid);
      if (outcome.kind === 'unknown') notThere(uid);
      const count = outcome.kind === 'deliveries' ? { count: outcome.count } : {};
      say(options, { study: uid, outcome: outcome.kind, ...count }, () => `${uid}  ${outcome.kind}\n`);
    }
  });
}

/** `studies forget`: rows, films and outbox of studies. */
export async function forgetStudies(
  file: string | null,
  given: readonly string[],
  options: StudiesOptions,
): Promise<void> {
  const uids = given.map(studyUid);
  await withLedger(file, async (ledger, _keyOf, folder) => {
    for (const uid of uids) {
      const history = await ledger.studies.history(uid);
      const films = (history?.instances ?? []).map(({ location }) => location);
      const bodies = (history?.objects ?? []).map(({ body }) => body);
      const files = [...films, ...bodies].flatMap((place) => (place.kind === 'file' ? [place.path] : []));
      const forgotten = await forgetStudy(ledger, folder, uid, files);
      if (!forgotten) notThere(uid);
      say(options, { study: uid, forgotten }, () => (forgotten ? `${uid}  forgotten\n` : ''));
    }
  });
}

function notThere(uid: StudyUid): void {
  process.stderr.write(`${uid}: the ledger has no such study\n`);
  process.exitCode = EXIT.failed;
}

export function say(options: StudiesOptions, json: unknown, text: () => string): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : text());
}

/** A wrong config must not leave an empty ledger behind that looks as if there were no studies. */
async function requireService({ storage, ledger }: Config): Promise<void> {
  const isFolder = (path: string) =>
    stat(path)
      .then((found) => found.isDirectory())
      .catch(() => false);
  const isThere = (path: string) =>
    access(path)
      .then(() => true)
      .catch(() => false);
  if (!(await isFolder(storage.folder))) {
    throw new DeepHealthError('service.no-data', `There is no data folder ${resolve(storage.folder)}.`);
  }
  if (!ledger.includes('://') && !(await isThere(ledger))) {
    throw new DeepHealthError('service.no-data', `There is no ledger ${resolve(ledger)}.`);
  }
}

/** Opens the ledger of a service that has one. Throws `config.invalid`, `service.no-data`, `ledger.*`. */
export async function withLedger(
  file: string | null,
  work: (
    ledger: Ledger,
    keyOf: Awaited<ReturnType<typeof loadStudyKey>>,
    folder: Awaited<ReturnType<typeof openDataFolder>>,
    config: Config,
  ) => Promise<void>,
): Promise<void> {
  const config = requireConfig(file);
  await requireService(config);
  const folder = await openDataFolder(config.storage.folder);
  const keyOf = await loadStudyKey(folder.path);
  const ledger = await openLedger(config.ledger);
  try {
    await work(ledger, keyOf, folder, config);
  } finally {
    await ledger.close();
  }
}
