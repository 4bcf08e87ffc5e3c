import { step } from './field.ts';

/** The measures in which a child's chest differs from an adult's, in halves of the inner thoracic width. */
export interface Build {
  /** From the apex of the lungs to the top of the right dome. */
  readonly lungHeight: number;
  /** How far the costophrenic angles lie below the domes. */
  readonly recess: number;
  /** How far a rib's front end lies below its back end. */
  readonly ribDrop: number;
  readonly ribRadius: number;
  readonly ribSpacing: number;
  readonly chestWall: number;
  readonly heart: number;
  /** Half width of the upper mediastinum (a small child's thymus). */
  readonly upperMediastinum: number;
  readonly knob: number;
  readonly vertebra: number;
  /** Direction of the upper arms from the shoulder: x outwards, y down. */
  readonly arm: readonly [number, number];
  /** Densities of bone against soft tissue grow with age. */
  readonly bone: number;
}

export const ADULT: Build = {
  lungHeight: 1.72,
  recess: 0.36,
  ribDrop: 0.62,
  ribRadius: 0.05,
  ribSpacing: 0.178,
  chestWall: 0.17,
  heart: 0.86,
  upperMediastinum: 0.15,
  knob: 0.115,
  vertebra: 0.135,
  arm: [0.42, 0.9],
  bone: 1,
};

export const CHILD: Build = {
  lungHeight: 1.3,
  recess: 0.26,
  ribDrop: 0.36,
  ribRadius: 0.042,
  ribSpacing: 0.148,
  chestWall: 0.15,
  heart: 1,
  upperMediastinum: 0.22,
  knob: 0.05,
  vertebra: 0.125,
  arm: [0.85, -0.35],
  bone: 0.8,
};

/** Half the inner width of the rib cage at a share of the lungs' height. */
export function thoraxHalf(u: number): number {
  const rise = Math.min(1, Math.max(0, u / 0.68));
  return 0.35 + 0.63 * (1 - (1 - rise) ** 2) ** 0.75 + 0.03 * step(0.6, 1.1, u);
}
