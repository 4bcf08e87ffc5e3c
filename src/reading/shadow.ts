import type { Model } from '../ai/classify.ts';
import type { Ledger, NewReading, StudyClaim } from '../ledger/types.ts';
import { instanceUid } from '../ledger/uids.ts';
import { pneumoniaProbability } from '../observe/drift.ts';
import { type Log, loggedFailure } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Inference } from './inference.ts';
import { type ModelInForce, modelInForce } from './model-in-force.ts';
import type { StudyFilm } from './read-study.ts';

/** A model that reads along: only the ledger and the metrics see what it says. */
export interface Shadow {
  readonly current: Model | undefined;
  /** Has the films read once more, when there is such a model and it has time. Returns at once, never throws. */
  offer(claim: Pick<StudyClaim, 'studyUid' | 'run'>, films: readonly StudyFilm[], entry: object): void;
  replace(model: Model | undefined): void;
  close(): Promise<void>;
}

export interface ShadowOptions {
  /** Its own, so that a model that never answers blocks no place of the one in force. */
  readonly inference: Inference;
  readonly ledger: Pick<Ledger, 'readings'>;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Studies whose films are held for it; when it is slower than the model in force, some are left out. */
const AT_ONCE = 4;
/** A model that never answers must not hold up the end. */
const CLOSE_MS = 2000;

export function createShadow(initial: Model | undefined, options: ShadowOptions): Shadow {
  const { inference, ledger, log, metrics } = options;
  let models: ModelInForce | undefined = initial && modelInForce(initial);
  let inHand = 0;

  async function readAlong(
    { studyUid, run }: Pick<StudyClaim, 'studyUid' | 'run'>,
    films: readonly StudyFilm[],
    model: Model,
  ): Promise<void> {
    const readings: NewReading[] = [];
    for (const { instance, film, outcome } of films) {
      const { reading, timings } = await inference.read(film, model);
      const [theirs, ours] = [reading, outcome.reading].map((each) =>
        pneumoniaProbability(each.probabilities),
      );
      const difference = Math.abs((theirs ?? 0) - (ours ?? 0));
      const agrees =
        reading.label === outcome.reading.label && reading.pneumonia === outcome.reading.pneumonia;
      metrics.shadowRead(agrees, difference, (timings.prepare + timings.infer) / 1000);
      readings.push({ sopUid: instanceUid(instance.sopUid), reading, inferredAt: Date.now() });
    }
    await ledger.readings.addShadow(studyUid, run, readings);
  }

  return {
    get current() {
      return models?.current;
    },
    offer(claim, films, entry) {
      if (models === undefined) return;
      if (inHand >= AT_ONCE) {
        metrics.shadowFailed('busy');
        return;
      }
      inHand += 1;
      const began = performance.now();
      models
        .use((model) => readAlong(claim, films, model))
        .then(
          () => {
            const ms = Math.round(performance.now() - began);
            log.debug({ ...entry, ms, films: films.length }, 'Read by the model beside, too');
          },
          (error: unknown) => {
            const failure = loggedFailure(error);
            metrics.shadowFailed(failure.code);
            log.warn(
              { ...entry, ...failure },
              'The model beside could not read the study; its result stands',
            );
          },
        )
        .finally(() => {
          inHand -= 1;
        });
    },
    replace(model) {
      const old = models;
      models = model && modelInForce(model);
      void old?.close().catch(() => {});
    },
    async close() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([models?.close(), late]);
    },
  };
}
