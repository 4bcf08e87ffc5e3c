import type { Model } from '../ai/classify.ts';
import { createDecoder, type Decoder } from '../dicom/film/decode/decoder.ts';
import type { StudyHandler } from '../queue/types.ts';
import { createInference, type Inference } from '../reading/inference.ts';
import { type ModelInForce, modelInForce } from '../reading/model-in-force.ts';
import { resultSettings } from '../reading/settings.ts';
import { studyHandler } from '../reading/study-handler.ts';
import type { Context } from './context.ts';

/** What a process that reads has: decoder, network, and what is done with a claimed study. */
export interface Reading {
  readonly decoder: Decoder;
  readonly inference: Inference;
  readonly models: ModelInForce;
  readonly handler: StudyHandler;
  close(): Promise<void>;
}

/** @param onReported called when deliveries were recorded */
export function startReading(model: Model, context: Context, onReported: () => void): Reading {
  const { ledger, folder, log, keyOf, metrics, version, inForce } = context;
  const decoder = createDecoder();
  const inference = createInference(() => inForce.config.model.batch);
  const models = modelInForce(model);
  const handler = studyHandler({
    ...{ ledger, log, keyOf, metrics, models, onReported },
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
  return {
    ...{ decoder, inference, models, handler },
    async close() {
      await decoder.close();
      await models.close();
    },
  };
}
