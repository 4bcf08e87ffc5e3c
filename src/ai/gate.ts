import type { Remark } from '../dicom/film/film.ts';
import { DeepHealthError } from '../errors/error.ts';
import { FEATURES, type ModelFolder } from './folder.ts';
import { softmax } from './head.ts';
import type { GateVerdict } from './quality.ts';
import { resample } from './resample.ts';

/**
 * The numbers of `gate.bin`, all over gate vectors z = (v - mean) · scale. `weights` [kinds, length] and
 * `bias` tell kinds of pictures apart; `components` [components, length], their `variance` and the mean
 * `residual` energy outside of them describe the films of the training.
 */
export interface GateNumbers {
  readonly mean: Float32Array;
  readonly scale: Float32Array;
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly components: Float32Array;
  readonly variance: Float32Array;
  readonly residual: Float32Array;
}

export interface GateRule {
  readonly thumb: number;
  readonly kinds: readonly string[];
  readonly components: number;
  /** Below this probability of the first kind a picture is refused. */
  readonly minChest: number;
  /** Beyond this distance from the training films a picture is refused. */
  readonly maxDistance: number;
}

/** What the gate measures of a picture. */
export interface GateScores {
  /** Probability of each kind, in the order of the rule's kinds. */
  readonly kinds: readonly number[];
  /** About 2 for a film like those of the training; times the share of the box that is film. */
  readonly distance: number;
}

/** Tells upright frontal chest films like those of the training from anything else. */
export interface Gate {
  /** @param shown the share of the box that is film, in (0,1] */
  judge(vector: Float32Array, shown: number): GateVerdict;
  /** Side of the thumbnail that its vectors hold. */
  readonly thumb: number;
}

const REASONS: Readonly<Record<string, string>> = {
  orientation: 'The picture does not look like an upright chest film: it seems to be rotated.',
  polarity: 'The picture does not look like a chest film as it is displayed: it seems to be inverted.',
  coverage: 'The picture does not show a whole chest: it seems to be covered in part or exposed twice.',
  'not-chest': 'The picture does not look like a frontal chest film.',
};
const UNLIKE: Remark = {
  code: 'unlike-training',
  message: 'The picture is unlike the films on which the model was trained.',
};

/** The gate of a model folder, or none. */
export function readGate(folder: ModelFolder): Gate | undefined {
  const rule = folder.manifest.gate;
  if (rule == null || folder.gate === undefined) return undefined;
  const numbers = readGateNumbers(folder.gate, rule);
  return {
    thumb: rule.thumb,
    judge: (vector, shown) => verdictOf(gateScores(numbers, rule, vector, shown), rule),
  };
}

/** Length of the vectors that a gate judges: the features, then a thumbnail of the tensor. */
export function gateLength(rule: Pick<GateRule, 'thumb'>): number {
  return FEATURES + rule.thumb * rule.thumb;
}

/** A picture's gate vector: pooled features, then the network's tensor (`side` × `side`) as a thumbnail. */
export function gateVector(
  features: Float32Array,
  tensor: Float32Array,
  side: number,
  thumb: number,
): Float32Array {
  const vector = new Float32Array(FEATURES + thumb * thumb);
  vector.set(features);
  const whole = { x0: 0, y0: 0, x1: side, y1: side };
  vector.set(resample({ width: side, height: side, pixels: tensor }, whole, thumb, thumb), FEATURES);
  return vector;
}

/** @throws `model.shape` */
export function readGateNumbers(bytes: Uint8Array, rule: GateRule): GateNumbers {
  const length = gateLength(rule);
  const kinds = rule.kinds.length;
  const sizes = [length, length, kinds * length, kinds, rule.components * length, rule.components, 1];
  const count = sizes.reduce((total, size) => total + size, 0);
  if (bytes.length !== count * 4) {
    throw new DeepHealthError('model.shape', `The gate holds ${bytes.length} bytes instead of ${count * 4}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const next = (size: number) =>
    Float32Array.from({ length: size }, () => {
      at += 4;
      return view.getFloat32(at - 4, true);
    });
  const [mean, scale, weights, bias, components, variance, residual] = sizes.map(next) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return { mean, scale, weights, bias, components, variance, residual };
}

/** The bytes of `gate.bin`. */
export function gateBytes(numbers: GateNumbers): Uint8Array {
  const { mean, scale, weights, bias, components, variance, residual } = numbers;
  const parts = [mean, scale, weights, bias, components, variance, residual];
  const view = new DataView(new ArrayBuffer(parts.reduce((total, part) => total + part.length * 4, 0)));
  let at = 0;
  for (const part of parts) {
    for (const value of part) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return new Uint8Array(view.buffer);
}

/**
 * Kind probabilities and distance of a gate vector (training/gate.py). Features that are a mean over a part of the cells
 * differ more from film to film, in squares as one to the share that is `shown`.
 */
export function gateScores(
  numbers: GateNumbers,
  rule: GateRule,
  vector: Float32Array,
  shown: number,
): GateScores {
  const { mean, scale, weights, bias, components, variance, residual } = numbers;
  const length = vector.length;
  const z = new Float64Array(length);
  let energy = 0;
  for (let k = 0; k < length; k += 1) {
    const value = ((vector[k] as number) - (mean[k] as number)) * (scale[k] as number);
    z[k] = value;
    energy += value * value;
  }
  const along = (rows: Float32Array, row: number) => {
    let sum = 0;
    for (let k = 0; k < length; k += 1) sum += (rows[row * length + k] as number) * (z[k] as number);
    return sum;
  };
  const logits = rule.kinds.map((_, kind) => along(weights, kind) + (bias[kind] as number));
  let [inside, distance] = [0, 0];
  for (let c = 0; c < rule.components; c += 1) {
    const part = along(components, c);
    inside += part * part;
    distance += (part * part) / (variance[c] as number) / rule.components;
  }
  distance += (energy - inside) / (residual[0] as number);
  return { kinds: softmax(logits), distance: distance * shown };
}

function verdictOf({ kinds, distance }: GateScores, rule: GateRule): GateVerdict {
  if ((kinds[0] ?? 0) < rule.minChest) {
    const others = kinds.slice(1);
    const code = rule.kinds[1 + others.indexOf(Math.max(...others))] ?? 'not-chest';
    const message = REASONS[code] ?? (REASONS['not-chest'] as string);
    return { status: 'refuse', reason: { code, message } };
  }
  return distance > rule.maxDistance
    ? { status: 'refuse', reason: UNLIKE }
    : { status: 'pass', reason: null };
}
