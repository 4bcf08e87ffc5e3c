import type { Model } from '../ai/classify.ts';
import type { InstanceNotice } from '../ledger/types.ts';
import type { StudyUid } from '../ledger/uids.ts';
import type { ModelInForce } from './model-in-force.ts';
import type { ReadFilm } from './read-study.ts';

/**
 * Films that are read while their study still settles, so that the wait for a quiet sender costs nothing. Nothing of
 * it is recorded: the study is claimed, read and reported as ever, but finds its film read. If it is not found (the
 * process was killed, the model replaced, there was other work), the film is read then.
 */
export interface HeadStart {
  /** A film was stored and recorded. Does nothing while studies are read: they come first, and use all cores. */
  begin(studyUid: StudyUid, instance: InstanceNotice): void;
  /**
   * The film of this instance if it was begun, with this model and under these rules; at most once. Undefined
   * when it was not, or failed: it is read again then, and that failure counts.
   */
  take(instance: InstanceNotice, model: Model, rules: object): Promise<ReadFilm | undefined>;
  /** Resolves when nothing is under way: a study that may have killed readers is read alone. */
  idle(): Promise<void>;
}

export interface HeadStartOptions {
  readonly models: Pick<ModelInForce, 'use'>;
  read(studyUid: StudyUid, instance: InstanceNotice, model: Model): Promise<ReadFilm>;
  /** The rules of selection in force: another object after each reload. */
  rules(): object;
  /** Whether studies are being read. */
  busy(): boolean;
}

/** Films that are kept or under way: each is a few megabytes. */
const MOST = 2;
/** Longer than any sender is waited for; what nobody took by then is let go. */
const KEPT_MS = 5_000;

interface Begun {
  readonly model: Model;
  readonly rules: object;
  readonly read: Promise<ReadFilm | undefined>;
}

export function createHeadStart({ models, read, rules, busy }: HeadStartOptions): HeadStart {
  const begun = new Map<string, Begun>();
  const underWay = new Set<Promise<unknown>>();

  return {
    begin(studyUid, instance) {
      const key = keyOf(instance);
      if (key === undefined || busy() || begun.size >= MOST || begun.has(key)) return;
      const running = models.use((model) => {
        const film = read(studyUid, instance, model).catch(() => undefined);
        const mine: Begun = { model, rules: rules(), read: film };
        begun.set(key, mine);
        setTimeout(() => {
          if (begun.get(key) === mine) begun.delete(key);
        }, KEPT_MS).unref();
        return film;
      });
      underWay.add(running);
      void running.finally(() => underWay.delete(running));
    },
    async take(instance, model, inForce) {
      const key = keyOf(instance);
      const found = key === undefined ? undefined : begun.get(key);
      if (key === undefined || found === undefined) return undefined;
      begun.delete(key);
      return found.model === model && found.rules === inForce ? found.read : undefined;
    },
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

/** The very bytes under this UID; undefined where they are not known to be on our own disk. */
function keyOf({ sopUid, sha256, location }: InstanceNotice): string | undefined {
  return location.kind === 'file' && sha256 !== null ? `${sopUid} ${sha256}` : undefined;
}
