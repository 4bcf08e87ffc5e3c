import path from 'node:path';
import { VERDICTS } from '../ai/evaluate/page.ts';
import { type Retrained, retrain } from '../ai/retrain/retrain.ts';
import { requireConfig } from '../config/require.ts';
import { configPath } from './config.ts';
import { EXIT } from './exit.ts';
import { modelFolder } from './model-path.ts';
import { stageLine } from './progress.ts';
import type { RetrainCommandOptions } from './retrain.ts';

/** Runs `retrain` and gives the exit code. Ctrl-C stops it at the next film; the same command goes on. */
export async function retrainOnFolder(folder: string, options: RetrainCommandOptions): Promise<number> {
  const config = requireConfig(configPath(options.config));
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const line = stageLine();
  try {
    const { out, labels, name, description } = options;
    const made = await retrain(folder, {
      base: modelFolder(options.base ?? config.model.path),
      out,
      engine: config.model.engine,
      threads: config.model.threads,
      signal: stopped.signal,
      onProgress: line.show,
      ...(labels === undefined ? {} : { labels }),
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
    });
    line.clear();
    if (options.json === true) process.stdout.write(`${JSON.stringify(made)}\n`);
    else process.stderr.write(summary(made));
    return made.unreadable.length === 0 ? EXIT.done : EXIT.partly;
  } finally {
    line.clear();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function summary({
  model,
  out,
  films,
  patients,
  cached,
  unreadable,
  leftOut,
  evaluation,
  seconds,
}: Retrained): string {
  const { measures } = evaluation;
  const figure = (value: number | null) => (value === null ? '-' : value.toFixed(3));
  return [
    `${model.name} ${model.version}: trained on ${films} films of ${patients} patients in ${Math.round(seconds)} s`,
    cached > 0 ? ` (${cached} films were computed before)` : '',
    '\n',
    ...unreadable.map(({ name, code }) => `  could not be read: ${name} (${code})\n`),
    ...leftOut.map(({ name, code }) => `  left out: ${name} (${code})\n`),
    '  on films held out of training, patient by patient:\n',
    `    accuracy, strongest of 3       ${figure(measures.accuracy)}\n`,
    `    AUC pneumonia against normal   ${figure(measures.aucPneumonia)}\n`,
    `    AUC bacterial against viral    ${figure(measures.aucType)}\n`,
    `    sensitivity, specificity       ${figure(measures.sensitivity)}, ${figure(measures.specificity)}\n`,
    verdict(evaluation),
    `  ${out}\n  ${path.join(out, 'report.html')}\n`,
    `  To use it: model.path in the config, or classify --model ${out}\n`,
  ].join('');
}

function verdict({ comparison }: Retrained['evaluation']): string {
  const loss = comparison?.figures.find(({ name }) => name === 'logLoss');
  if (comparison === undefined || loss === undefined) return '';
  return `  ${VERDICTS[comparison.verdict]}: log loss ${loss.here?.toFixed(3)}, base ${loss.other?.toFixed(3)}.\n`;
}
