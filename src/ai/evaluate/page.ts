import type { Manifest } from '../manifest.ts';
import { LABELS, type Label } from '../reading.ts';
import { escaped, figure, page, table } from '../report/markup.ts';
import { histogramPlot, INK, linePlot, type PlotPoint } from '../report/plot.ts';
import type { Interval } from './bootstrap.ts';
import type { Comparison } from './compare.ts';
import { GRID } from './curves.ts';
import type { Measures } from './measures.ts';
import type { Drawings, Evaluation } from './result.ts';

const CLASS: Readonly<Record<string, string>> = {
  normal: 'Normal',
  'bacterial-pneumonia': 'Bacterial pneumonia',
  'viral-pneumonia': 'Viral pneumonia',
  pneumonia: 'Pneumonia, type unknown',
  'type-undetermined': 'Pneumonia, type undetermined',
  undetermined: 'Undetermined',
};
const COLOURS: Readonly<Record<string, string>> = {
  normal: INK.blue,
  'bacterial-pneumonia': INK.red,
  'viral-pneumonia': INK.violet,
  pneumonia: INK.grey,
};
const FIGURES: Readonly<Record<string, string>> = {
  accuracy: 'Accuracy, strongest of three classes',
  sensitivity: 'Sensitivity for pneumonia, at the threshold',
  specificity: 'Specificity for pneumonia, at the threshold',
  aucPneumonia: 'AUC pneumonia v normal',
  aucType: 'AUC bacterial v viral',
  ece: 'Calibration error (ECE)',
};
/** Figures of a comparison in words. */
export const COMPARED: Readonly<Record<string, string>> = {
  logLoss: 'Log loss (smaller is better)',
  ...FIGURES,
};

/** `report.html`: the evaluation for people, on a screen or on paper; `sections` is more markup of ours. */
export function reportPage(
  evaluation: Evaluation,
  drawings: Drawings,
  manifest: Manifest,
  sections = '',
): string {
  const { model, films } = evaluation;
  const part =
    evaluation.part === null
      ? ''
      : `, part ${evaluation.part} (${films.leftOut} films of other parts left out)`;
  const intro = `<p>${escaped(
    `${model.name} ${model.version} on ${films.evaluated} films of ${films.patients} patients${part}. Intervals are 95 % intervals of a bootstrap over patients (${evaluation.bootstrap.resamples} draws).`,
  )}</p><p class="note">Model digest ${model.sha256}</p><p class="note">Accuracy is that of the strongest of the three classes over all films. Sensitivity and specificity: a film counts as pneumonia from P(pneumonia) = ${evaluation.thresholds.present} on; films between the two thresholds count as not called. An interval without width says that no film here was on the other side, not that none ever is: with n patients, up to about 3 / n of them may be.</p>`;
  return page(
    'Evaluation of a chest film model',
    [
      intro,
      keyFigures(evaluation),
      section('Classes', classTables(evaluation)),
      section('Present or absent', rocAndPrecision(evaluation, drawings)),
      section('Scores and calibration', calibration(evaluation, drawings)),
      section('What is reported', reported(evaluation)),
      sections,
      evaluation.comparison === undefined ? '' : section('Against the base', compared(evaluation.comparison)),
      evaluation.card.length > 0 ? section('Against the model card', card(evaluation)) : '',
      evaluation.subgroups.length > 0 ? section('Subgroups', subgroups(evaluation)) : '',
      evaluation.misses.length > 0 ? section('Worst misses', misses(evaluation, drawings)) : '',
      section('Films', filmCounts(evaluation, manifest)),
    ].join(''),
  );
}

/** A section of the page; `content` is markup of ours. */
export function section(title: string, content: string): string {
  return `<section><h2>${escaped(title)}</h2>${content}</section>`;
}

/** Entries by truth in the order of the classes. */
function inOrder<T>(byTruth: Readonly<Record<string, T>>): [string, T][] {
  const order = Object.keys(CLASS);
  return Object.entries(byTruth).toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b));
}

function percent(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined ? '–' : `${(value * 100).toFixed(digits)} %`;
}

function share(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value.toFixed(3);
}

function between(interval: Interval | undefined, shown: (value: number) => string): string {
  return interval === undefined ? '' : ` [${shown(interval[0])}, ${shown(interval[1])}]`;
}

const isShare = (name: string) => name.startsWith('auc') || name.startsWith('ece') || name === 'logLoss';

function shownFigure(name: string, value: number | null, interval?: Interval): string {
  const shown = isShare(name) ? share : percent;
  return `${shown(value)}${value === null ? '' : between(interval, shown)}`;
}

function keyFigures({ measures, intervals }: Evaluation): string {
  const boxes = Object.entries(FIGURES).map(([name, title]) => {
    const value = measures[name as keyof Measures] as number | null;
    const shown = isShare(name) ? share : percent;
    return `<div><small>${escaped(title)}</small><b>${shown(value)}</b><small>${escaped(value === null ? '' : between(intervals[name], shown).trim())}</small></div>`;
  });
  return `<div class="key">${boxes.join('')}</div>`;
}

function classTables({ confusion, measures, intervals }: Evaluation): string {
  const head = ['truth \\ strongest class', ...LABELS.map((label) => CLASS[label] ?? label), 'films'];
  const rows = confusion.counts.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const cells = row.map((count, said) => {
      const kind = said === truth ? 'hit' : count > 0 ? 'miss' : '';
      return `<td class="${kind}">${count}${total > 0 ? ` (${percent(count / total)})` : ''}</td>`;
    });
    return `<tr><th scope="row">${escaped(CLASS[LABELS[truth] as Label] ?? '')}</th>${cells.join('')}<td>${total}</td></tr>`;
  });
  const matrix = `<table><caption>Confusion matrix</caption><thead><tr>${head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
  const each = LABELS.map((label) => {
    const one = measures.classes[label];
    const cell = (figure: 'sensitivity' | 'specificity' | 'precision') =>
      shownFigure(figure, one[figure], intervals[`${label}.${figure}`]);
    return [CLASS[label] ?? label, cell('sensitivity'), cell('specificity'), cell('precision')];
  });
  return (
    matrix +
    table(['class', 'sensitivity', 'specificity', 'precision'], each, 'Each class against the other two')
  );
}

function rocAndPrecision(
  { measures, thresholds }: Evaluation,
  { roc, precisionRecall, bands }: Drawings,
): string {
  const points = (heights: readonly number[]): PlotPoint[] => heights.map((y, g) => ({ x: GRID[g] ?? 0, y }));
  const { sensitivity, specificity, positivePredictive } = measures;
  const mark = (x: number | null, y: number | null) =>
    x === null || y === null ? [] : [{ at: { x, y }, label: `threshold ${thresholds.present.toFixed(3)}` }];
  const square = { xDomain: [0, 1] as const, yDomain: [0, 1] as const };
  const rocPlot = linePlot({
    ...square,
    title: 'ROC curve',
    xLabel: '1 - specificity',
    yLabel: 'sensitivity',
    band: { low: points(bands.roc.low), high: points(bands.roc.high), colour: INK.blue },
    series: [
      { points: roc, colour: INK.blue },
      {
        points: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
        colour: INK.grey,
        dashed: true,
      },
    ],
    marks: mark(specificity === null ? null : 1 - specificity, sensitivity),
  });
  const precisionPlot = linePlot({
    ...square,
    title: 'Precision and recall',
    xLabel: 'recall (sensitivity)',
    yLabel: 'precision',
    band: {
      low: points(bands.precisionRecall.low),
      high: points(bands.precisionRecall.high),
      colour: INK.red,
    },
    series: [{ points: precisionRecall.slice(1), colour: INK.red }],
    marks: mark(sensitivity, positivePredictive),
  });
  return `<div class="row">${figure(rocPlot, 'Pneumonia against normal. The ring is the threshold that ships; the band is pointwise 95 %.')}${figure(precisionPlot, 'The same films; precision depends on how common pneumonia is among them.')}</div>`;
}

function calibration({ thresholds }: Evaluation, { reliability, histograms }: Drawings): string {
  const bins = (list: Drawings['reliability']['top']) => list.filter((bin) => bin.weight > 0);
  const series = (list: Drawings['reliability']['top'], name: string, colour: string, dashed: boolean) => ({
    name,
    colour,
    dashed,
    points: bins(list).map((bin) => ({ x: bin.said, y: bin.found })),
    dots: bins(list).map((bin) => bin.weight),
  });
  const diagram = linePlot({
    title: 'Reliability',
    xLabel: 'probability that the model gives',
    yLabel: 'share in which it is so',
    xDomain: [0, 1],
    yDomain: [0, 1],
    legend: 'bottom',
    series: [
      {
        points: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
        colour: INK.grey,
        dashed: true,
      },
      series(reliability.pneumonia, 'P(pneumonia)', INK.blue, false),
      series(reliability.top, 'strongest class', INK.violet, true),
    ],
  });
  const rows = inOrder(histograms).map(([truth, counts]) => ({
    name: CLASS[truth] ?? truth,
    colour: COLOURS[truth] ?? INK.grey,
    counts,
  }));
  const histogram = histogramPlot({
    title: 'P(pneumonia) by truth',
    xLabel: 'P(pneumonia)',
    rows,
    uprights: [
      { x: thresholds.absent, label: 'absent' },
      { x: thresholds.present, label: 'present' },
    ],
  });
  return `<div class="row">${figure(diagram, 'On the dashed line, what the model says is as often true as it says. Dots grow with the number of films.')}${figure(histogram, 'Number of films by probability of pneumonia; each row has its own scale.')}</div>`;
}

function reported({ reported: { columns, rows }, decisions, heldBack, films }: Evaluation): string {
  const lines = inOrder(rows).map(([truth, counts]) => [CLASS[truth] ?? truth, ...counts.map(String)]);
  const of = (count: number) => `${count} of ${films.evaluated} films (${percent(count / films.evaluated)})`;
  const figures = [
    [
      'One of the three labels given',
      of(decisions.labelled),
      `right in ${percent(decisions.accuracyOfLabelled)} of them`,
    ],
    [
      'Present or absent said',
      of(decisions.decided),
      `of them sensitivity ${percent(decisions.sensitivityOfDecided)}, specificity ${percent(decisions.specificityOfDecided)}`,
    ],
    ['Pneumonia, type left open', of(decisions.typeOpen), ''],
    [
      'No decision (abstained)',
      of(decisions.undetermined),
      heldBack === null
        ? 'input gate and quality rules are left out here'
        : `${heldBack} held back by input gate or quality rules`,
    ],
  ];
  const head = ['truth \\ reported', ...columns.map((name) => CLASS[name] ?? name)];
  return (
    '<p>This is what a reader of the reports gets, after thresholds, input gate and abstention. Figures above are over all films, whether something was reported of them or not.</p>' +
    table(head, lines, 'Films by truth and by what is reported') +
    table(['reported', 'films', 'of these films'], figures)
  );
}

function card({ card: figures }: Evaluation): string {
  const rows = figures.map((one) => [
    FIGURES[one.name] ?? one.name,
    shownFigure(one.name, one.card),
    shownFigure(one.name, one.found, one.interval ?? undefined),
    one.agrees === null ? '–' : one.agrees ? 'within the interval' : 'outside of the interval',
  ]);
  return table(['figure', 'model card', 'here', 'the card is'], rows);
}

/** The verdict of a comparison in words, without the full stop. */
export const VERDICTS: Readonly<Record<Comparison['verdict'], string>> = {
  better: 'The new model is better than the base on these films',
  worse: 'The new model is worse than the base on these films: keep the base',
  'no-difference-shown': 'These films do not show a difference between the new model and the base',
};

function compared({ with: base, figures, verdict }: Comparison): string {
  const rows = figures.map(({ name, other, here, difference, interval }) => [
    COMPARED[name] ?? name,
    shownFigure(name, other),
    shownFigure(name, here),
    shownFigure(name, difference, interval ?? undefined),
  ]);
  const words = `${VERDICTS[verdict]} (by the log loss, 95 % interval of a paired bootstrap over patients). The new model is judged on patients that its last layer did not see; the base is judged as it ships, and has an advantage where it was trained on some of these films.`;
  return `<p>${escaped(words)}</p>${table(['figure', `base ${base.version}`, 'new model', 'new less base'], rows)}`;
}

function subgroups(evaluation: Evaluation): string {
  const rows = evaluation.subgroups.map(({ dimension, group, films, patients, measures, intervals }) => [
    `${dimension}: ${group}`,
    String(films),
    String(patients),
    shownFigure('accuracy', measures.accuracy, intervals.accuracy),
    shownFigure('sensitivity', measures.sensitivity, intervals.sensitivity),
    shownFigure('specificity', measures.specificity, intervals.specificity),
    shownFigure('aucPneumonia', measures.aucPneumonia, intervals.aucPneumonia),
  ]);
  return table(
    ['group', 'films', 'patients', 'accuracy', 'sensitivity', 'specificity', 'AUC pneumonia'],
    rows,
  );
}

function misses(evaluation: Evaluation, { heatmaps }: Drawings): string {
  const shown = evaluation.misses.map(({ name, truth, said, probabilityOfTruth }) => {
    const bytes = heatmaps.get(name);
    const image =
      bytes === undefined
        ? ''
        : `<img alt="" src="data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}">`;
    const line = `${name}: is ${CLASS[truth] ?? truth}, reported ${CLASS[said] ?? said}; the model gave the truth ${percent(probabilityOfTruth)}`;
    return `<figure>${image}<figcaption>${escaped(line)}</figcaption></figure>`;
  });
  return `<p>The films with the least probability for what is true.</p><div class="misses">${shown.join('')}</div>`;
}

function filmCounts({ films, unreadable }: Evaluation, manifest: Manifest): string {
  const rows = inOrder(films.byTruth).map(([truth, count]) => [CLASS[truth] ?? truth, String(count)]);
  const listed = unreadable.slice(0, 200).map(({ name, code }) => [name, code]);
  const population = `The model was trained on: ${manifest.population.description}.`;
  return [
    `<p>${escaped(population)}</p>`,
    table(['truth', 'films'], rows),
    films.unlabelled > 0 ? `<p>${films.unlabelled} films had no label and were left out.</p>` : '',
    listed.length > 0 ? table(['file that could not be read', 'code'], listed) : '',
    unreadable.length > listed.length ? `<p>and ${unreadable.length - listed.length} more.</p>` : '',
  ].join('');
}
