import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { DicomWebClient } from '../dicom/web/client.ts';
import { DeepHealthError } from '../errors/error.ts';
import type { DataFolder } from '../intake/data-folder.ts';
import { type IntakeRules, instanceRole } from '../intake/film-classes.ts';
import type { Instance, InstanceNotice, Ledger, StudyClaim } from '../ledger/types.ts';
import { instanceUid, type StudyUid } from '../ledger/uids.ts';

export interface Gathering {
  readonly ledger: Pick<Ledger, 'films' | 'claims'>;
  readonly folder: DataFolder;
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
 * Fetches one film from where it is. A received film that is no longer in the folder is looked for in the
 * archives (it may have been pushed by one of them).
 *
 * @throws DeepHealthError `storage.film-gone`, `storage.failed`, `web.*`
 */
export async function fetchFilm(
  studyUid: StudyUid,
  instance: InstanceNotice,
  gathering: Gathering,
): Promise<FetchedFilm> {
  const { location } = instance;
  if (location.kind === 'file') {
    try {
      const bytes = await readFile(gathering.folder.absolute(location.path));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (instance.sha256 === null || instance.sha256 === sha256) return { bytes, sha256 };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw new DeepHealthError('storage.failed', undefined, { cause: error });
      }
    }
  }
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
