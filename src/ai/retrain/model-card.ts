import { COMPARED, VERDICTS } from '../evaluate/page.ts';
import type { Evaluation } from '../evaluate/result.ts';
import type { Manifest } from '../manifest.ts';
import { LABELS, type ModelIdentity } from '../reading.ts';

export interface CardInput {
  readonly manifest: Manifest;
  readonly base: ModelIdentity;
  readonly films: string;
  readonly evaluation: Evaluation;
  readonly test: Evaluation | undefined;
  readonly folds: number;
  readonly epochs: number;
  readonly leftOut: Readonly<Record<string, number>>;
}

/** `MODEL_CARD.md` of a retrained model (after Mitchell et al. 2019); every figure is one that was computed. */
export function modelCard(input: CardInput): string {
  const { manifest, base, evaluation, test, folds, epochs } = input;
  const { population, decision, calibration } = manifest;
  const counts = LABELS.map((label) => `${evaluation.films.byTruth[label] ?? 0} ${label}`).join(', ');
  const left = Object.entries(input.leftOut).map(([code, count]) => `${count} ${code}`);
  return `# ${manifest.name} ${manifest.version}

Retrained with \`deep-health retrain\` from ${base.name} ${base.version} (digest ${base.sha256}). The
network below the last layer is the base's, unchanged; the last layer, the calibration, the
thresholds${manifest.gate == null ? '' : ' and the input gate'} are new.

## Intended use

Second look at frontal chest films of the population below, to sort a reading list. Every result is
to be reviewed by a physician together with the film. Not for primary diagnosis, not for films of
another population, not for findings other than pneumonia. A retrained model has to be validated by
the site before it is used on patients.

## Films and population

- Films: ${input.films}
- ${evaluation.films.evaluated} films of ${evaluation.films.patients} patients: ${counts}.
- Left out: ${left.length === 0 ? 'none' : left.join(', ')}.
- Ages ${population.ageYears.join(' to ')} years, views ${population.views.join(', ')}; films outside of this are read and flagged.
- The base's own training films are described in its model card. If they are among these films, the
  figures below are too good: the network below the last layer has seen them.

## Training

Softmax regression on the 2048 features of the base, started from its last layer and drawn towards
it, classes of equal weight, early stopping on the mean validation loss; ${folds} folds, all films of a patient in one fold. ${shipped(epochs)}
Curves: [accuracy](accuracy.svg), [cross-entropy](cross-entropy.svg).

## Figures

Of films scored by a layer that never saw their patient (out of fold), with 95 % intervals of a
bootstrap over patients (${evaluation.bootstrap.resamples} draws). Each fold's probabilities were calibrated on the other folds; the
thresholds were chosen on the same scores, so that sensitivity and specificity flatter a little.
Accuracy is that of the strongest of three classes, without abstention.

${figures(evaluation)}
${test === undefined ? '' : `\nOn the part \`test\` of the films (${test.films.evaluated} films of ${test.films.patients} patients), which training did not see:\n\n${figures(test)}\n`}
Confusion matrix and subgroups: [report.html](report.html).

## Against the base

${against(evaluation)}

## Calibration and thresholds

- Temperature ${calibration.temperature}, with a bias for each class in the head: probabilities hold at the shares that the
  classes have among these films, ${counts}. Where pneumonia is rarer, they are too high.
- Expected calibration error ${share(evaluation.measures.ece)} of the strongest class.
- Pneumonia is present from P = ${decision.present} on (the highest that keeps a sensitivity of 97.5 % on
  these films) and absent up to P = ${decision.absent} (99 %); between them the model abstains:
  ${percent(evaluation.measures.undetermined)} of these films.
- The type is left open where |2c - 1| < ${decision.typeMargin}, c = bacterial / (bacterial + viral).

## Limits

- Three classes only: other disease is read as one of them.
- Films unlike those above may be read wrongly with high probability${manifest.gate == null ? '; this model has no input gate' : '; the input gate refuses what is far from them'}.
- The heat map shows what the last layer reacts to, not the extent of disease.

## How to make it again

The same films, the same base and the same version of Deep Health give the same model:
\`deep-health retrain FILMS --base BASE --out OUT\`. Licence and provenance of the base: its model card.
`;
}

function shipped(epochs: number): string {
  return epochs === 0
    ? "The\nbase's own weights were kept: no training made them better on held-out films."
    : `The\nshipped layer was trained on all films for ${epochs} epochs, which was best over the folds.`;
}

/** Whether the new model is better than its base on patients that its layer did not see. */
function against({ comparison }: Evaluation): string {
  if (comparison === undefined) return 'Not compared.';
  const rows = comparison.figures.map(({ name, other, here, difference, interval }) => {
    const range = interval === null ? '' : `${share(interval[0])} to ${share(interval[1])}`;
    return `| ${COMPARED[name] ?? name} | ${share(other)} | ${share(here)} | ${share(difference)} | ${range} |`;
  });
  return [
    `${VERDICTS[comparison.verdict]} (by the log loss). The new model is judged on patients that its`,
    'last layer did not see; the base as it ships, which is an advantage where it was trained on some of these films.',
    '',
    '| figure | base | new | new less base | 95 % interval |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function figures({ measures, intervals }: Evaluation): string {
  const row = (
    title: string,
    name: string,
    value: number | null,
    shown: (value: number | null) => string,
  ) => {
    const interval = intervals[name];
    const range = interval === undefined ? '' : `${shown(interval[0])} to ${shown(interval[1])}`;
    return `| ${title} | ${shown(value)} | ${range} |`;
  };
  return [
    '| figure | value | 95 % interval |',
    '|---|---|---|',
    row('accuracy of three classes', 'accuracy', measures.accuracy, percent),
    row('AUC pneumonia v normal', 'aucPneumonia', measures.aucPneumonia, share),
    row('AUC bacterial v viral', 'aucType', measures.aucType, share),
    row('sensitivity for pneumonia', 'sensitivity', measures.sensitivity, percent),
    row('specificity for pneumonia', 'specificity', measures.specificity, percent),
    row('calibration error (ECE)', 'ece', measures.ece, share),
  ].join('\n');
}

function percent(value: number | null): string {
  return value === null ? '–' : `${(value * 100).toFixed(1)} %`;
}

function share(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}
