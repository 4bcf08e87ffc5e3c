import { createHash } from 'node:crypto';
import type { DicomWebClient } from '../dicom/web/client.ts';
import { DeepHealthError } from '../errors/error.ts';
import type { FileMemory } from '../files/file-memory.ts';
import type { Arrivals } from '../intake/arrivals.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import { type IntakeRules, instanceRole } from '../intake/film-classes.ts';
import type { Instance, InstanceNotice, Ledger, StudyClaim } from '../ledger/types.ts';
import { instanceUid, type StudyUid } from '../ledger/uids.ts';

export interface Gathering {
  readonly ledger: Pick<Ledger, 'films' | 'claims'>;
  readonly folder: DataFolder;
  /** Where films of the folder are read into. */
  readonly memory: FileMemory;
  /** Films of the folder whose digest need not be computed again. */
  readonly arrivals?: Pick<Arrivals, 'isAsNoted'>;
  /** The archives by name, as configured now. */
  archives(): ReadonlyMap<string, DicomWebClient>;
  select(): IntakeRules;
}

/**
 * All instances of a claimed study: those that intake recorded and, where the study is in an archive, those
 * that the archive shows now. What is found is recorded with the claim, so that it does not count as late.
 *
 * @throws DeepHealthError `study.not-in-pacs`, `study.no-pacs`, `web.*`
 */
export async function gatherInstances(claim: StudyClaim, gathering: Gathering): Promise<readonly Instance[]> {
  const { ledger } = gathering;
  const known = await ledger.films.list(claim.studyUid);
  if (claim.source.kind === 'receive') return known;
  const found = await listInArchives(claim, gathering);
  if (found === undefined) {
    if (known.length > 0) return known;
    throw new DeepHealthError('study.not-in-pacs');
  }
  const uids = new Set<string>(known.map(({ sopUid }) => sopUid));
  const fresh = found.filter(({ sopUid }) => !uids.has(sopUid));
  if (fresh.length === 0) return known;
  await ledger.claims.found(claim, fresh);
  return [...known, ...fresh.map((notice) => ({ ...notice, seenAt: Date.now(), selection: null }))];
}

async function listInArchives(
  { source, studyUid }: StudyClaim,
  gathering: Gathering,
): Promise<readonly InstanceNotice[] | undefined> {
  const archives = gathering.archives();
  const named = source.pacs === null ? [...archives.values()] : [archives.get(source.pacs)];
  if (named.length === 0) throw new DeepHealthError('study.no-pacs');
  let failure: unknown;
  for (const archive of named) {
    if (archive === undefined) throw new DeepHealthError('study.no-pacs');
    try {
      const found = await listInstances(archive, studyUid, gathering.select());
      if (found.length > 0) return found;
    } catch (error) {
      // Another archive may have it; only if none does, the failure counts.
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

/** What an archive shows of a study, as the ledger records it. */
export async function listInstances(
  archive: DicomWebClient,
  studyUid: StudyUid,
  select: IntakeRules,
): Promise<InstanceNotice[]> {
  const rows = await archive.searchInstances(studyUid);
  return rows.map((row) => ({
    sopUid: instanceUid(row.sopInstanceUid),
    seriesUid: row.seriesInstanceUid,
    sopClassUid: row.sopClassUid ?? '',
    role: instanceRole(row, select),
    location: { kind: 'pacs', pacs: archive.name },
    sha256: null,
    bytes: null,
  }));
}

/** The bytes of a film, with their digest. */
export interface FetchedFilm {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/**
 * Fetches one film from where it is and gives it to `use`, which must not keep the bytes: they may be written over
 * once it has settled. A received film that is no longer in the folder is looked for in the archives (it may have been
 * pushed by one of them).
 *
 * @throws what `use` throws; DeepHealthError `storage.film-gone`, `storage.failed`, `web.*`
 */
export async function withFilm<Result>(
  studyUid: StudyUid,
  instance: InstanceNotice,
  gathering: Omit<Gathering, 'ledger'>,
  use: (film: FetchedFilm) => Promise<Result>,
): Promise<Result> {
  const found = await inFolder(instance, gathering, use);
  return found === undefined ? use(await fromArchive(studyUid, instance, gathering)) : found.result;
}

/** Undefined where the folder does not have these very bytes. */
async function inFolder<Result>(
  { location, sha256: expected }: InstanceNotice,
  { folder, memory, arrivals }: Pick<Gathering, 'folder' | 'memory' | 'arrivals'>,
  use: (film: FetchedFilm) => Promise<Result>,
): Promise<{ readonly result: Result } | undefined> {
  if (location.kind !== 'file') return undefined;
  let handed = false;
  try {
    const path = folder.absolute(location.path);
    const untouched = expected !== null && (await arrivals?.isAsNoted(path, expected)) === true;
    return await memory.withFile(path, async (bytes) => {
      const sha256 = untouched ? expected : createHash('sha256').update(bytes).digest('hex');
      if (expected !== null && expected !== sha256) return undefined;
      handed = true;
      return { result: await use({ bytes, sha256 }) };
    });
  } catch (error) {
    if (handed) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DeepHealthError('storage.failed', undefined, { cause: error });
  }
}

async function fromArchive(
  studyUid: StudyUid,
  instance: InstanceNotice,
  gathering: Pick<Gathering, 'archives'>,
): Promise<FetchedFilm> {
  const { location } = instance;
  const archives = gathering.archives();
  const reference = {
    studyInstanceUid: studyUid,
    seriesInstanceUid: instance.seriesUid,
    sopInstanceUid: instance.sopUid,
  };
  if (location.kind === 'pacs') {
    const archive = archives.get(location.pacs);
    if (archive === undefined) throw new DeepHealthError('study.no-pacs');
    return archive.retrieveInstance(reference);
  }
  for (const archive of archives.values()) {
    try {
      return await archive.retrieveInstance(reference);
    } catch (error) {
      if (!(error instanceof DeepHealthError) || error.code !== 'web.not-found') throw error;
    }
  }
  throw new DeepHealthError('storage.film-gone');
}
