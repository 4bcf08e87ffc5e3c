/**
 * Plain JavaScript, since the console's pages load it too: report, heat map, message and console round alike, so that
 * none of them differs from another in the last digit.
 *
 * @typedef {import('./reading.ts').Label} Label
 */

/** @type {readonly Label[]} */
const LABELS = ['normal', 'bacterial-pneumonia', 'viral-pneumonia'];

/**
 * Class probabilities in tenths of a percent that add up to exactly 1000: rounded down, then the largest remainders
 * take what is left.
 *
 * @param {Readonly<Record<Label, number>>} probabilities each finite and not negative, sum near 1
 * @returns {Record<Label, number>}
 */
export function tenthsOf(probabilities) {
  const sum = LABELS.reduce((total, label) => total + probabilities[label], 0);
  const shares = LABELS.map((label) => {
    const exact = (probabilities[label] / sum) * 1000;
    // A share such as 93.6 % is not exact in binary: what lies a hair below a tenth counts as that tenth.
    const whole = Math.floor(exact + 1e-6);
    return { label, whole, remainder: exact - whole };
  });
  const missing = 1000 - shares.reduce((total, { whole }) => total + whole, 0);
  const favoured = shares
    .toSorted((left, right) => right.remainder - left.remainder)
    .slice(0, missing)
    .map(({ label }) => label);
  const tenths = { normal: 0, 'bacterial-pneumonia': 0, 'viral-pneumonia': 0 };
  for (const { label, whole } of shares) tenths[label] = whole + (favoured.includes(label) ? 1 : 0);
  return tenths;
}

/**
 * A share as sentences and pages tell it; the numbers of a report stay numbers.
 *
 * @param {string} percent as `percentOf` gives it
 * @returns {string} such as "93.6 %"; never a certainty that the model does not have
 */
export function percentInWords(percent) {
  if (percent === '100.0') return '> 99.9 %';
  if (percent === '0.0') return '< 0.1 %';
  return `${percent} %`;
}

/**
 * @param {number} tenths of a percent, a whole number
 * @returns {string} such as "93.6"
 */
export function percentOf(tenths) {
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}
