/** What the world outside of the service sees: the archive by QIDO-RS, the RIS by its own record. */
import { createHash } from 'node:crypto';
import type { Orthanc } from '../../test/peers/orthanc.ts';
import type { Ris } from '../../test/peers/ris.ts';

/** Our results of one study in an archive: SOP Instance UIDs. */
export interface InArchive {
  readonly airReports: readonly string[];
  readonly textReports: readonly string[];
  readonly heatmaps: readonly string[];
}

/** What a RIS kept about one study. */
export interface AtRis {
  /** Distinct MSH-10 of the messages that it accepted. */
  readonly messages: readonly string[];
  /** Messages that came under one MSH-10 with different content. */
  readonly contradictions: number;
  /** Repetitions: the same message again, which a receiver drops. */
  readonly repetitions: number;
}

const AIR = '1.2.840.10008.5.1.4.1.1.88.34';
const TEXT = '1.2.840.10008.5.1.4.1.1.88.33';
const SECONDARY_CAPTURE = '1.2.840.10008.5.1.4.1.1.7';

interface Row {
  readonly [tag: string]: { readonly Value?: readonly unknown[] };
}

/** Results of these studies in the archive, one query a study. */
export async function resultsInArchive(
  orthanc: Orthanc,
  studies: readonly string[],
): Promise<ReadonlyMap<string, InArchive>> {
  const found = new Map<string, InArchive>();
  const rest = [...studies];
  async function ask(): Promise<void> {
    for (let study = rest.pop(); study !== undefined; study = rest.pop()) {
      found.set(study, await resultsOf(orthanc, study));
    }
  }
  await Promise.all([ask(), ask(), ask(), ask()]);
  return found;
}

async function resultsOf(orthanc: Orthanc, study: string): Promise<InArchive> {
  const answer = await fetch(`${orthanc.url}/studies/${study}/instances`, {
    headers: { accept: 'application/dicom+json', ...authorizationOf(orthanc) },
  });
  if (!answer.ok && answer.status !== 404) throw new Error(`QIDO-RS answered ${answer.status}`);
  const rows = answer.ok ? ((await answer.json()) as Row[]) : [];
  const uidsOf = (sopClass: string) =>
    rows
      .filter((row) => row['00080016']?.Value?.[0] === sopClass)
      .map((row) => String(row['00080018']?.Value?.[0]));
  return { airReports: uidsOf(AIR), textReports: uidsOf(TEXT), heatmaps: uidsOf(SECONDARY_CAPTURE) };
}

/** What the RIS accepted, by the study that the message names. */
export async function messagesAtRis(ris: Ris): Promise<ReadonlyMap<string, AtRis>> {
  const byStudy = new Map<string, Map<string, Set<string>>>();
  const repetitions = new Map<string, number>();
  for (const { text, accepted, controlId } of await ris.received()) {
    if (!accepted) continue;
    // OBX-5 of the observation that names the study (DICOM 113014): the only place with a UID of ours.
    const study = /\|113014\^[^|]*\|[^|]*\|([0-9.]+)\|/.exec(text)?.[1] ?? 'none';
    const messages = byStudy.get(study) ?? new Map<string, Set<string>>();
    byStudy.set(study, messages);
    const contents = messages.get(controlId) ?? new Set();
    if (messages.has(controlId)) repetitions.set(study, (repetitions.get(study) ?? 0) + 1);
    contents.add(createHash('sha256').update(text).digest('hex'));
    messages.set(controlId, contents);
  }
  return new Map(
    [...byStudy].map(([study, messages]) => [
      study,
      {
        messages: [...messages.keys()],
        contradictions: [...messages.values()].filter((contents) => contents.size > 1).length,
        repetitions: repetitions.get(study) ?? 0,
      },
    ]),
  );
}

/** HTTP Basic for Orthanc. */
export function authorizationOf({ username, password }: Pick<Orthanc, 'username' | 'password'>) {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** A study as `GET /api/studies` lists it. */
export interface ListedStudy {
  readonly study: string;
  readonly state: string;
  readonly reason: { readonly code: string } | null;
  readonly run: number;
  readonly noticed: string;
  readonly lastInstance: string | null;
  readonly changed: string;
  readonly deliveries: { readonly pending: number; readonly sent: number; readonly parked: number };
}

/** Every study that the service knows. */
export async function listStudies(url: string): Promise<ReadonlyMap<string, ListedStudy>> {
  const studies = new Map<string, ListedStudy>();
  let cursor: string | null = '';
  while (cursor !== null) {
    const answer = await fetch(`${url}/api/studies?limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`);
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`);
    const page = (await answer.json()) as { studies: ListedStudy[]; next: string | null };
    for (const study of page.studies) studies.set(study.study, study);
    cursor = page.next;
  }
  return studies;
}
