import { createHash } from 'node:crypto';
import { chance } from '../../src/dicom/phantom/random.ts';

/** Chance for one case. The same seed, target and number give the same case on every machine. */
export interface FuzzRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number in [0, end). */
  below(end: number): number;
  pick<Choice>(choices: readonly Choice[]): Choice;
  /** True with this probability. */
  maybe(probability: number): boolean;
  bytes(length: number): Uint8Array;
}

export function caseRandom(seed: number, target: string, number: number): FuzzRandom {
  const mixed = createHash('sha256').update(`${seed} ${target} ${number}`).digest().readUInt32LE(0);
  const { next } = chance(mixed);
  const below = (end: number) => Math.floor(end * next());
  return {
    next,
    below,
    pick(choices) {
      if (choices.length === 0) throw new Error('nothing to pick from');
      return choices[below(choices.length)] as (typeof choices)[number];
    },
    maybe: (probability) => next() < probability,
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  };
}
