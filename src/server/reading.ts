import type { Model } from '../ai/classify.ts';
import { createDecoder, type Decoder } from '../dicom/film/decode/decoder.ts';
import type { StudyHandler } from '../queue/types.ts';
import { suspectsAlone } from '../reading/alone.ts';
import { createHeadStart, type HeadStart } from '../reading/head-start.ts';
import { createInference, type Inference } from '../reading/inference.ts';
import { type ModelInForce, modelInForce } from '../reading/model-in-force.ts';
import { readFilm } from '../reading/read-study.ts';
import { drawAhead } from '../reading/results.ts';
import { heatmapStyle, resultSettings } from '../reading/settings.ts';
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
  readonly headStart: HeadStart;
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
  const { ledger, folder, log, keyOf, metrics, audit, version, inForce, justMade } = context;
  const decoder = createDecoder();
  const inference = createInference(() => inForce.config.model.batch);
  const models = modelInForce(model);
  const shadow = createShadow(beside, {
    ...{ ledger, log, metrics },
    inference: createInference(() => inForce.config.model.batch),
  });
  metrics.models(model, beside);
  const reader = {
    ...{ ledger, folder, decoder, inference, arrivals: context.arrivals, memory: context.filmMemory },
    archives: () => inForce.site.archives,
    select: () => inForce.config.select,
    rules: () => inForce.config.select,
    maxFilm: () => inForce.maxFilm,
  };
  let inHand = 0;
  const headStart = createHeadStart({
    models,
    rules: reader.rules,
    busy: () => inHand > 0 || context.stopping,
    async read(studyUid, instance, loaded) {
      const film = await readFilm(studyUid, instance, reader, loaded);
      const style = heatmapStyle(inForce.config);
      return style === null ? film : { ...film, drawn: drawAhead(film, style) };
    },
  });
  const readStudies = studyHandler({
    ...{ ledger, log, keyOf, metrics, audit, models, shadow, headStart, onReported, justMade },
    signal: context.hardStop.signal,
    reader: { ...reader, headStart },
    reporting: ({ manifest }) => ({
      config: inForce.config,
      settings: resultSettings(inForce.config, manifest, version),
    }),
  });
  const alone = suspectsAlone(readStudies);
  const handler: StudyHandler = async (claim, lost) => {
    inHand += 1;
    await alone(claim, lost).finally(() => {
      inHand -= 1;
    });
  };
  return {
    ...{ decoder, inference, models, shadow, handler, headStart },
    async close() {
      await decoder.close();
      await shadow.close();
      await models.close();
    },
  };
}
