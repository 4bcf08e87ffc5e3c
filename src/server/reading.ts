import type { Model } from '../ai/classify.ts';
import { createDecoder, type Decoder } from '../dicom/film/decode/decoder.ts';
import type { StudyHandler } from '../queue/types.ts';
import { suspectsAlone } from '../reading/alone.ts';
import { createInference, type Inference } from '../reading/inference.ts';
import { type ModelInForce, modelInForce } from '../reading/model-in-force.ts';
import { resultSettings } from '../reading/settings.ts';
import { createShadow, type Shadow } from '../reading/shadow.ts';
import { studyHandler } from '../reading/study-handler.ts';
import type { Context } from './context.ts';

/** What a process that reads has: decoder, network, and what is done with a claimed study. */
export interface Reading {
  readonly decoder: Decoder;
  readonly inference: Inference;
  readonly models: ModelInForce;
  readonly shadow: Shadow;
  readonly handler: StudyHandler;
  close(): Promise<void>;
}

/**
 * @param beside a model that reads along
 * @param onReported called when deliveries were recorded
 */
export function startReading(
  model: Model,
  beside: Model | undefined,
  context: Context,
  onReported: () => void,
): Reading {
  const { ledger, folder, log, keyOf, metrics, audit, version, inForce } = context;
  const decoder = createDecoder();
  const inference = createInference(() => inForce.config.model.batch);
  const models = modelInForce(model);
  const shadow = createShadow(beside, {
    ...{ ledger, log, metrics },
    inference: createInference(() => inForce.config.model.batch),
  });
  metrics.models(model, beside);
  const readStudies = studyHandler({
    ...{ ledger, log, keyOf, metrics, audit, models, shadow, onReported },
    signal: context.hardStop.signal,
    reader: {
      ...{ ledger, folder, decoder, inference },
      archives: () => inForce.site.archives,
      select: () => inForce.config.select,
      rules: () => inForce.config.select,
      maxFilm: () => inForce.maxFilm,
    },
    reporting: ({ manifest }) => ({
      config: inForce.config,
      settings: resultSettings(inForce.config, manifest, version),
    }),
  });
  const handler = suspectsAlone(readStudies);
  return {
    ...{ decoder, inference, models, shadow, handler },
    async close() {
      await decoder.close();
      await shadow.close();
      await models.close();
    },
  };
}
