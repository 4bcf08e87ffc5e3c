import path from 'node:path';
import { loadModel } from '../ai/classify.ts';
import { evaluate } from '../ai/evaluate/evaluate.ts';
import type { Evaluation } from '../ai/evaluate/result.ts';
import { LABELS } from '../ai/reading.ts';
import { requireConfig } from '../config/require.ts';
import { configPath } from './config.ts';
import type { EvaluateCommandOptions } from './evaluate.ts';
import { EXIT } from './exit.ts';
import { modelFolder } from './model-path.ts';
import { stageLine } from './progress.ts';

/** Runs `evaluate` and gives the exit code. */
export async function evaluateFolder(folder: string, options: EvaluateCommandOptions): Promise<number> {
  const config = requireConfig(configPath(options.config));
  const model = await loadModel(modelFolder(options.model ?? config.model.path), {
    engine: config.model.engine,
    threads: config.model.threads,
  });
  const line = stageLine();
  try {
    const evaluation = await evaluate(folder, {
      model,
      onProgress: line.show,
      ...(options.out === undefined ? {} : { out: options.out }),
      ...(options.labels === undefined ? {} : { labels: options.labels }),
      ...(options.part === undefined ? {} : { part: options.part }),
    });
    line.clear();
    if (options.json === true) process.stdout.write(`${JSON.stringify(evaluation)}\n`);
    else process.stderr.write(figures(evaluation, options.out));
    return evaluation.unreadable.length === 0 ? EXIT.done : EXIT.partly;
  } finally {
    line.clear();
    await model.close();
  }
}

/** The figures for people, with 95 % confidence intervals where the bootstrap gives them. */
function figures(evaluation: Evaluation, out: string | undefined): string {
  const { films, measures, intervals, confusion, model, thresholds, decisions, heldBack } = evaluation;
  const percent = (share: number | null) => (share === null ? '-' : `${(100 * share).toFixed(1)} %`);
  const row = (name: string, value: number | null, interval: string) => {
    if (value === null) return `  ${name.padEnd(36)} -\n`;
    const range = intervals[interval];
    const between = range === undefined ? '' : `  [${range.map((end) => end.toFixed(3)).join(', ')}]`;
    return `  ${name.padEnd(36)} ${value.toFixed(3)}${between}\n`;
  };
  const table = confusion.counts
    .map(
      (counts, index) =>
        `  ${(LABELS[index] ?? '').padEnd(22)}${counts.map((n) => String(n).padStart(8)).join('')}\n`,
    )
    .join('');
  return [
    `${model.name} ${model.version}: ${films.evaluated} films of ${films.patients} patients`,
    films.unreadable > 0 ? `, ${films.unreadable} could not be read` : '',
    '\n',
    ...evaluation.unreadable.map(({ name, code }) => `  could not be read: ${name} (${code})\n`),
    '\n',
    row('accuracy, strongest of 3 classes', measures.accuracy, 'accuracy'),
    row('AUC pneumonia against normal', measures.aucPneumonia, 'aucPneumonia'),
    row('AUC bacterial against viral', measures.aucType, 'aucType'),
    row(`sensitivity at P(pneumonia) >= ${thresholds.present}`, measures.sensitivity, 'sensitivity'),
    row('specificity there', measures.specificity, 'specificity'),
    row('expected calibration error', measures.ece, 'ece'),
    `\n  truth \\ strongest class${LABELS.map((label) => label.slice(0, 6).padStart(8)).join('')}\n`,
    table,
    '\n  reported, after thresholds, input gate and abstention:\n',
    `    one of the labels for ${decisions.labelled} of ${films.evaluated} films, right in ${percent(decisions.accuracyOfLabelled)} of them\n`,
    `    present or absent for ${decisions.decided}: of these sensitivity ${percent(decisions.sensitivityOfDecided)}, specificity ${percent(decisions.specificityOfDecided)}\n`,
    `    no decision for ${decisions.undetermined}${heldBack === null ? '' : `, ${heldBack} of them held back by gate or quality rules`}; type left open for ${decisions.typeOpen}\n`,
    out === undefined ? '' : `\n  ${path.join(out, 'report.html')}\n  ${path.join(out, 'metrics.json')}\n`,
  ].join('');
}
