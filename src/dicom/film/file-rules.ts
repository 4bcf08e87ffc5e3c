import type { SelectRules } from './select-rules.ts';

/** Shortest side of a file that a person names, in pixels: public sets hold films of 224 pixels. */
const SMALLEST_FILE_SIDE = 128;
/** Longest side to shortest: cut films of small children are that wide in public sets. */
const WIDEST_FILE = 3;

/**
 * The selection rules for files that a person names (`classify`, `evaluate`, `retrain`, `/api/predict`),
 * against those for what an archive holds: teaching files and exports are often Secondary Captures, small,
 * cut, or without a word about the view, and somebody looks at the answer.
 */
export function rulesForFiles(rules: SelectRules): SelectRules {
  return {
    ...rules,
    secondaryCapture: true,
    unknownView: 'flag',
    minSide: Math.min(rules.minSide, SMALLEST_FILE_SIDE),
    minAspect: Math.min(rules.minAspect, 1 / WIDEST_FILE),
    maxAspect: Math.max(rules.maxAspect, WIDEST_FILE),
  };
}
