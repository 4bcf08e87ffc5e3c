import type { FilmReading, Model } from '../ai/classify.ts';
import type { Decoder } from '../dicom/film/decode/decoder.ts';
import type { Film } from '../dicom/film/film.ts';
import { openFilm } from '../dicom/film/open.ts';
import type { SelectRules } from '../dicom/film/select-rules.ts';
import { DeepHealthError, ERROR_KINDS, type ErrorCode } from '../errors/error.ts';
import type { ErrorKind } from '../errors/kinds.ts';
import type {
  Instance,
  InstanceNotice,
  Reason,
  Selection,
  StudyClaim,
  StudyReport,
} from '../ledger/types.ts';
import type { StudyUid } from '../ledger/uids.ts';
import { type Gathering, gatherInstances, withFilm } from './gather.ts';
import type { HeadStart } from './head-start.ts';
import type { Inference } from './inference.ts';
import type { DrawnHeatmap } from './results.ts';
import { reached } from './stop-points.ts';

/** A film that was read. */
export interface ReadFilm {
  readonly film: Film;
  readonly sha256: string;
  /** Size of the file in bytes. */
  readonly size: number;
  readonly outcome: FilmReading;
  /** Its heat map, where that was drawn already. */
  readonly drawn?: DrawnHeatmap;
}

/** A film that was read, and the instance it came from. */
export interface StudyFilm extends ReadFilm {
  readonly instance: Instance;
}

export type LookedAt = StudyReport['instances'];

/** What looking at a study came to. */
export type StudyReading =
  | { readonly kind: 'read'; readonly films: readonly StudyFilm[]; readonly instances: LookedAt }
  | { readonly kind: 'nothing-to-read'; readonly reason: Reason; readonly instances: LookedAt }
  | { readonly kind: 'unreadable'; readonly reason: Reason; readonly instances: LookedAt };

export interface StudyReader extends Gathering {
  readonly decoder: Decoder;
  readonly inference: Inference;
  rules(): SelectRules;
  /** The largest single film, in bytes. */
  maxFilm(): number;
  /** Films that were read while their study settled. */
  readonly headStart?: Pick<HeadStart, 'take'>;
}

/** More films than that in one study is no chest examination; the others are left out by name. */
const MAX_FILMS = 16;
/** Films of one study that are fetched and decoded at the same time. */
const AT_ONCE = 2;
/** A failure of the archive with one film, when it still answers, counts against the film after so many tries. */
const STUBBORN_ATTEMPTS = 6;

/**
 * Fetches, opens and reads the films of a claimed study. What is wrong with one film is its own reason and
 * holds up no other; what is wrong with an archive, a disk or the engine is thrown, and the study comes
 * again.
 *
 * @throws DeepHealthError transient ones, and `study.*`
 */
export async function readStudy(
  claim: StudyClaim,
  reader: StudyReader,
  model: Model,
  signal: AbortSignal,
): Promise<StudyReading> {
  const all = await gatherInstances(claim, reader);
  const candidates = all.filter(({ role }) => role === 'film');
  const others = all
    .filter(({ role }) => role !== 'film')
    .map((instance) => ({ ...noticeOf(instance), selection: leftOut('film.other-object') }));
  if (candidates.length === 0) {
    return { kind: 'nothing-to-read', reason: reasonOf('study.empty'), instances: others };
  }
  const films: StudyFilm[] = [];
  const instances: LookedAt[number][] = [...others];
  const taken = candidates.slice(0, MAX_FILMS);
  for (const instance of candidates.slice(MAX_FILMS)) {
    const reason = {
      code: 'study.too-many-films',
      message: `Only the first ${MAX_FILMS} films of a study are read.`,
    };
    instances.push({ ...noticeOf(instance), selection: { kind: 'left-out', reason } });
  }
  const looks = await inTurns(taken, AT_ONCE, (instance) => lookAt(claim, instance, reader, model, signal));
  for (const look of looks) {
    instances.push(look.instance);
    if (look.film !== undefined) films.push(look.film);
  }
  reached('reading.inferred');
  if (films.length > 0) return { kind: 'read', films, instances };
  const unreadable = instances.find(({ selection }) => selection.kind === 'unreadable')?.selection;
  if (unreadable?.kind === 'unreadable') return { kind: 'unreadable', reason: unreadable.reason, instances };
  return {
    kind: 'nothing-to-read',
    reason: commonReason(looks.map(({ instance }) => instance.selection)),
    instances,
  };
}

interface Look {
  readonly instance: LookedAt[number];
  readonly film?: StudyFilm;
}

async function lookAt(
  claim: StudyClaim,
  instance: Instance,
  reader: StudyReader,
  model: Model,
  signal: AbortSignal,
): Promise<Look> {
  let notice = noticeOf(instance);
  try {
    signal.throwIfAborted();
    const early = await reader.headStart?.take(instance, model, reader.rules());
    const read =
      early ??
      (await readFilm(claim.studyUid, instance, reader, model, (fetched) => {
        notice = { ...notice, ...fetched };
        signal.throwIfAborted();
      }));
    if (early !== undefined) reached('reading.fetched');
    return {
      instance: { ...notice, sha256: read.sha256, bytes: read.size, selection: { kind: 'read' } },
      film: { instance, ...read },
    };
  } catch (error) {
    if (!(error instanceof DeepHealthError)) throw error;
    const selection = selectionOf(error, claim.attempts);
    if (selection === undefined) throw error;
    return { instance: { ...notice, selection } };
  }
}

/**
 * One film from where it is to what the model says of it.
 *
 * @param onFetched hears of the bytes before they are opened
 * @throws DeepHealthError whatever is wrong with the film, its archive or the engine
 */
export async function readFilm(
  studyUid: StudyUid,
  instance: InstanceNotice,
  reader: Pick<StudyReader, keyof Gathering | 'decoder' | 'inference' | 'rules' | 'maxFilm'>,
  model: Model,
  onFetched: (fetched: { readonly sha256: string; readonly bytes: number }) => void = () => {},
): Promise<ReadFilm> {
  const opened = await withFilm(studyUid, instance, reader, async ({ bytes, sha256 }) => {
    reached('reading.fetched');
    const size = bytes.length;
    onFetched({ sha256, bytes: size });
    const film = await openFilm(bytes, {
      decoder: reader.decoder,
      rules: reader.rules(),
      limits: { fileBytes: reader.maxFilm() },
    });
    return { film, sha256, size };
  });
  checkIdentity(opened.film, studyUid, instance);
  return { ...opened, outcome: await reader.inference.read(opened.film, model) };
}

/**
 * A header that names another study than the one it was stored in must not be reported to either, and what we
 * report must point to an instance that exists.
 */
function checkIdentity({ dataset }: Film, studyUid: StudyUid, { sopUid }: InstanceNotice): void {
  for (const [tag, expected] of [
    ['0020000D', studyUid],
    ['00080018', sopUid],
  ] as const) {
    const [value] = dataset[tag]?.Value ?? [];
    if (typeof value === 'string' && value.trim() === expected) continue;
    throw new DeepHealthError('web.wrong-instance', 'The film names another study or instance than it is.');
  }
}

/** What a failure says of the film; undefined when it says nothing of it and the study comes again. */
function selectionOf(error: DeepHealthError, attempts: number): Selection | undefined {
  const { code, message } = error;
  const reason: Reason = { code, message };
  if (code.startsWith('film.') && code !== 'film.charset' && code !== 'film.blank') {
    return { kind: 'left-out', reason };
  }
  if (error.retry === 'permanent' && !code.startsWith('ledger.')) return { kind: 'unreadable', reason };
  const stubborn = [
    'web.server-error',
    'web.cut-off',
    'web.answer-malformed',
    'multipart.malformed',
    'multipart.cut-off',
  ];
  if (stubborn.includes(code) && attempts >= STUBBORN_ATTEMPTS) return { kind: 'unreadable', reason };
  return undefined;
}

function noticeOf({ seenAt: _seen, selection: _before, ...notice }: Instance) {
  return notice;
}

function leftOut(code: ErrorCode): Selection {
  return { kind: 'left-out', reason: reasonOf(code) };
}

function reasonOf(code: ErrorCode): Reason {
  const kind: ErrorKind = ERROR_KINDS[code];
  return { code, message: kind.meaning };
}

/** The one reason that all films share, or the general one. */
function commonReason(selections: readonly Selection[]): Reason {
  const reasons = selections.flatMap((selection) => (selection.kind === 'read' ? [] : [selection.reason]));
  const [first] = reasons;
  const shared = first !== undefined && reasons.every(({ code }) => code === first.code);
  return shared ? first : reasonOf('study.nothing-to-read');
}

/** Runs the work for every input, so many at a time; the results are in the order of the inputs. */
async function inTurns<In, Out>(
  inputs: readonly In[],
  atOnce: number,
  work: (input: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  async function worker(): Promise<void> {
    for (;;) {
      const index = next++;
      const input = inputs[index];
      if (input === undefined) return;
      results[index] = await work(input);
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atOnce, inputs.length) }, worker));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return results;
}
