import type { Intervals } from './bootstrap.ts';
import type { Measures } from './measures.ts';
import type { CardFigure } from './result.ts';

/** Figures that a model card may give, as they are called in its manifest. */
const FIGURES = {
  accuracy: ['accuracy'],
  sensitivity: ['sensitivity'],
  specificity: ['specificity'],
  aucPneumonia: ['aucPneumonia'],
  aucType: ['aucType', 'aucBacterialViral'],
  ece: ['ece', 'eceLabel'],
} as const;
type FigureName = keyof typeof FIGURES;
const DEPTH = 4;

/** Compares the figures in a manifest's `metrics` (a number, a list that begins with it, or an
 * object with `value`) with those found here. */
export function cardFigures(metrics: unknown, measures: Measures, intervals: Intervals): CardFigure[] {
  return (Object.keys(FIGURES) as FigureName[]).flatMap((name) => {
    const card = FIGURES[name]
      .map((key) => figureIn(metrics, key, DEPTH))
      .find((value) => value !== undefined);
    if (card === undefined) return [];
    const interval = intervals[name] ?? null;
    const agrees = interval === null ? null : card >= interval[0] && card <= interval[1];
    return [{ name, card, found: measures[name], interval, agrees }];
  });
}

/** The first number of that name, outer levels first. */
function figureIn(value: unknown, name: string, depth: number): number | undefined {
  if (typeof value !== 'object' || value === null || depth === 0) return undefined;
  const own = (value as Record<string, unknown>)[name];
  if (typeof own === 'number') return own;
  if (Array.isArray(own) && typeof own[0] === 'number') return own[0];
  const inner = (own as { value?: unknown } | undefined | null)?.value;
  if (typeof inner === 'number') return inner;
  for (const child of Object.values(value)) {
    const found = figureIn(child, name, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
