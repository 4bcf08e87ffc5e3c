import type { Remark } from '../dicom/film/film.ts';

export const LABELS = ['normal', 'bacterial-pneumonia', 'viral-pneumonia'] as const;
export type Label = (typeof LABELS)[number];

/** Calibrated class probabilities, each 0..1, sum 1. */
export type Probabilities = Readonly<Record<Label, number>>;

/** The model that made a reading; `sha256` covers the whole folder (manifest with the digests of its files). */
export interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

/** What the model says of one film, after calibration, thresholds, gate and population rules. */
export interface Reading {
  /** The reported class; null when the model abstains or the type of the pneumonia stays open. */
  readonly label: Label | null;
  readonly probabilities: Probabilities;
  readonly pneumonia: 'present' | 'absent' | 'undetermined';
  /** Why there is no label, or null. `type-undetermined` comes with pneumonia `present`. */
  readonly abstained: Remark | null;
  readonly applicability: { readonly status: 'in' | 'out' | 'unknown'; readonly reasons: readonly Remark[] };
  /** RADLEX RID12 / RID13 / RID14. */
  readonly quality: {
    readonly status: 'diagnostic' | 'limited' | 'non-diagnostic';
    readonly reasons: readonly Remark[];
  };
  /** `off` unless the site switched triage on (a regulated function); standards 1.3.3. */
  readonly triage: 'off' | 'category-2' | 'category-3' | 'none' | 'abstained';
  readonly model: ModelIdentity;
}

/**
 * Class activation map of one class: row-major `height` x `width` logit contributions over the box of the
 * picture that was fed to the model (picture coordinates, pixel edges).
 */
export interface ActivationMap {
  readonly label: Label;
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
  readonly box: PictureBox;
}

/** A box in picture coordinates (pixel edges, x0 < x1, y0 < y1). */
export interface PictureBox {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}
