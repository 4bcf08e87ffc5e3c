import type { Weights } from './measures.ts';
import type { Scores } from './scores.ts';

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

/** Points on which bands are computed: 0, 0.01, ... 1. */
export const GRID = Array.from({ length: 101 }, (_, i) => i / 100);

/** ROC curve of pneumonia against normal: x = 1 - specificity, y = sensitivity, from (0,0) to (1,1). */
export function rocCurve(scores: Scores, weights: Weights): CurvePoint[] {
  return stepped(scores, weights, (positives, negatives, allPositives, allNegatives) => ({
    x: allNegatives === 0 ? 0 : negatives / allNegatives,
    y: allPositives === 0 ? 0 : positives / allPositives,
  }));
}

/** Precision-recall curve of pneumonia: x = recall (sensitivity), y = precision. */
export function precisionRecallCurve(scores: Scores, weights: Weights): CurvePoint[] {
  return stepped(scores, weights, (positives, negatives, allPositives) => ({
    x: allPositives === 0 ? 0 : positives / allPositives,
    y: positives + negatives === 0 ? 1 : positives / (positives + negatives),
  }));
}

/** One point at the start and one after each distinct score. */
function stepped(
  scores: Scores,
  weights: Weights,
  point: (positives: number, negatives: number, allPositives: number, allNegatives: number) => CurvePoint,
): CurvePoint[] {
  let [allPositives, allNegatives] = [0, 0];
  for (let i = 0; i < scores.films; i += 1) {
    if (scores.positive[i] === 1) allPositives += weights[i] as number;
    else allNegatives += weights[i] as number;
  }
  let [positives, negatives] = [0, 0];
  const points = [point(0, 0, allPositives, allNegatives)];
  scores.byScore.forEach((film, i) => {
    if (scores.positive[film] === 1) positives += weights[film] as number;
    else negatives += weights[film] as number;
    const next = scores.byScore[i + 1];
    if (next === undefined || scores.score[next] !== scores.score[film]) {
      points.push(point(positives, negatives, allPositives, allNegatives));
    }
  });
  return points;
}

/** Heights of a curve on the grid: the highest point up to each x (ROC), or from each x on (precision-recall). */
export function onGrid(points: readonly CurvePoint[], side: 'up-to' | 'from'): Float64Array {
  const heights = new Float64Array(GRID.length);
  const ordered = side === 'up-to' ? points : points.toReversed();
  const grid = side === 'up-to' ? [...GRID.keys()] : [...GRID.keys()].toReversed();
  let next = 0;
  let highest = 0;
  for (const g of grid) {
    const limit = GRID[g] as number;
    while (next < ordered.length) {
      const { x, y } = ordered[next] as CurvePoint;
      if (side === 'up-to' ? x > limit + 1e-12 : x < limit - 1e-12) break;
      highest = Math.max(highest, y);
      next += 1;
    }
    heights[g] = highest;
  }
  return heights;
}
