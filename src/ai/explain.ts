import { strongestPneumonia } from './decision.ts';
import type { Head } from './head.ts';
import type { ActivationMap, Label, PictureBox, Reading } from './reading.ts';

/** The class whose map is shown: the reported one; without a pneumonia class reported, the stronger of the two. */
export function explainedLabel(reading: Pick<Reading, 'label' | 'probabilities'>): Label {
  return reading.label === null || reading.label === 'normal'
    ? strongestPneumonia(reading.probabilities)
    : reading.label;
}

/**
 * The class activation map (Zhou et al. 2016), exact here because the network ends in a mean and one layer:
 * values = sum over k of W[c,k] · featureMap[k] + b[c], and the mean of the values over what is film
 * (`Prepared.cells`) is the logit of class c.
 * @param featureMap [features, height, width] of one film
 */
export function activationMap(
  head: Head,
  label: Label,
  featureMap: Float32Array,
  width: number,
  height: number,
  box: PictureBox,
): ActivationMap {
  const c = head.labels.indexOf(label);
  const area = width * height;
  const sums = new Float64Array(area).fill(head.bias[c] as number);
  for (let k = 0; k < head.features; k += 1) {
    const weight = head.weights[c * head.features + k] as number;
    const plane = k * area;
    for (let i = 0; i < area; i += 1) {
      sums[i] = (sums[i] as number) + weight * (featureMap[plane + i] as number);
    }
  }
  return { label, width, height, values: Float32Array.from(sums), box };
}

/**
 * Logit contribution that is drawn at full strength when nothing in the map is stronger. It keeps a weak map
 * from being blown up to look like a finding.
 */
const FULL_STRENGTH = 4;

/**
 * A map for display, 0..1: contributions against the class are 0. For the class that is reported, 1 is its
 * strongest contribution; for a class that is not, 1 is the strongest contribution for or against it, so
 * that the spot that speaks most for pneumonia in a film found normal stays as faint as its weight was.
 */
export function displayed(map: ActivationMap, reported: boolean): Float32Array {
  let strongest = FULL_STRENGTH;
  for (const value of map.values) strongest = Math.max(strongest, reported ? value : Math.abs(value));
  return map.values.map((value) => Math.max(0, value) / strongest);
}
