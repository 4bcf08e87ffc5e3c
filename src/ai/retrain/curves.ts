import { figure } from '../report/markup.ts';
import { INK, linePlot, type PlotPoint } from '../report/plot.ts';
import type { Epoch } from './train-head.ts';

/** Curves of accuracy and cross-entropy over the epochs, as SVG text. */
export interface TrainingCurves {
  readonly accuracy: string;
  readonly crossEntropy: string;
}

/** Draws training and validation, each the mean over the folds that reached the epoch. */
export function trainingCurves(folds: readonly (readonly Epoch[])[], chosenEpoch: number): TrainingCurves {
  const last = Math.max(...folds.map((epochs) => epochs.length - 1), 1);
  const mean = (value: (epoch: Epoch) => number | null): PlotPoint[] =>
    Array.from({ length: last + 1 }, (_, x) => {
      const there = folds.map((epochs) => epochs[x]).filter((epoch) => epoch !== undefined);
      const values = there.map(value).filter((one) => one !== null);
      return { x, y: values.reduce((sum, one) => sum + one, 0) / Math.max(values.length, 1) };
    });
  const drawn = (
    title: string,
    yLabel: string,
    train: PlotPoint[],
    validation: PlotPoint[],
    legend: 'top' | 'bottom',
  ) => {
    const heights = [...train, ...validation].map((point) => point.y);
    const [low, high] = [Math.min(...heights), Math.max(...heights)];
    const room = Math.max((high - low) * 0.08, 0.005);
    return linePlot({
      title,
      xLabel: 'epoch',
      yLabel,
      xDomain: [0, last],
      yDomain: [Math.max(0, low - room), high + room],
      series: [
        { name: 'training', points: train, colour: INK.red },
        { name: 'validation', points: validation, colour: INK.blue, dashed: true },
      ],
      uprights: [{ x: chosenEpoch, label: '' }],
      legend,
    });
  };
  return {
    accuracy: drawn(
      'Accuracy',
      'accuracy',
      mean((e) => e.trainAccuracy),
      mean((e) => e.validationAccuracy),
      'bottom',
    ),
    crossEntropy: drawn(
      'Cross-entropy',
      'cross-entropy',
      mean((e) => e.trainLoss),
      mean((e) => e.validationLoss),
      'top',
    ),
  };
}

/** Both curves as a part of a page. */
export function curvesMarkup({ accuracy, crossEntropy }: TrainingCurves, folds: number): string {
  const caption = `Mean over ${folds} patient-wise folds; the upright line is the epoch that was kept. Every film counts the same, before the class biases of the calibration.`;
  return `<div class="row">${figure(accuracy, caption)}${figure(crossEntropy, 'What is minimised: every class has the same weight.')}</div>`;
}
