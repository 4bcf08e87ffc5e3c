import type { RecentReading } from '../ledger/types.ts';

/** Ten bins of equal width over probabilities. */
const BINS = 10;
/** Fewer films say nothing about a distribution. */
const LEAST_FILMS = 50;
/** A share of nought would make the index infinite. */
const LEAST_SHARE = 1e-4;

/** The bin of a probability, 0 to 9; 1 belongs to the last. */
function binOf(probability: number): number {
  return Math.min(BINS - 1, Math.max(0, Math.floor(probability * BINS)));
}

/** Probability of pneumonia of either kind. */
export function pneumoniaProbability(probabilities: Readonly<Record<string, number>>): number {
  return (probabilities['bacterial-pneumonia'] ?? 0) + (probabilities['viral-pneumonia'] ?? 0);
}

/**
 * Population stability index: the sum over bins of (actual - expected) ln(actual / expected). Below 0.1 the
 * distributions are alike, above 0.25 they differ so much that the model should be looked at.
 *
 * @param actual films in each bin
 * @param expected shares of each bin
 */
export function stabilityIndex(actual: readonly number[], expected: readonly number[]): number {
  const films = actual.reduce((sum, count) => sum + count, 0);
  return expected.reduce((sum, share, bin) => {
    const expectedShare = Math.max(share, LEAST_SHARE);
    const actualShare = Math.max((actual[bin] ?? 0) / films, LEAST_SHARE);
    return sum + (actualShare - expectedShare) * Math.log(actualShare / expectedShare);
  }, 0);
}

/** How far the films of one archive are from those that the model was accepted with. */
export interface Drift {
  /** Name of the archive; `received` for pushed studies. */
  readonly pacs: string;
  readonly films: number;
  readonly index: number;
}

/**
 * The index of each archive over the readings of one model; archives with few films are left out.
 *
 * @param reference shares of films by probability of pneumonia in ten bins
 */
export function driftByArchive(
  readings: readonly RecentReading[],
  modelSha256: string,
  reference: readonly number[],
): Drift[] {
  const counts = new Map<string, number[]>();
  for (const { pacs, reading } of readings) {
    if (reading.model.sha256 !== modelSha256) continue;
    const name = pacs ?? 'received';
    const bins = counts.get(name) ?? new Array<number>(BINS).fill(0);
    const bin = binOf(pneumoniaProbability(reading.probabilities));
    bins[bin] = (bins[bin] ?? 0) + 1;
    counts.set(name, bins);
  }
  return [...counts].flatMap(([pacs, bins]) => {
    const films = bins.reduce((sum, count) => sum + count, 0);
    return films < LEAST_FILMS ? [] : [{ pacs, films, index: stabilityIndex(bins, reference) }];
  });
}
