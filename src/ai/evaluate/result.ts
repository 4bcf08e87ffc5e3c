import type { Label, ModelIdentity } from '../reading.ts';
import type { Bootstrap, Intervals } from './bootstrap.ts';
import type { Comparison } from './compare.ts';
import type { CurvePoint } from './curves.ts';
import type { CalibrationBin, Measures } from './measures.ts';
import type { Dimension } from './subgroups.ts';

/** A film that the model got most wrong. */
export interface Miss {
  readonly name: string;
  readonly truth: string;
  readonly said: string;
  /** Probability that the model gave to what is true. */
  readonly probabilityOfTruth: number;
}

export interface Subgroup {
  readonly dimension: Dimension;
  readonly group: string;
  readonly films: number;
  readonly patients: number;
  readonly measures: Measures;
  readonly intervals: Intervals;
}

/** A figure of the model card and what was found here. */
export interface CardFigure {
  readonly name: string;
  readonly card: number;
  readonly found: number | null;
  readonly interval: readonly [number, number] | null;
  /** Whether the card's figure lies in the interval found here. */
  readonly agrees: boolean | null;
}

/** What is reported after thresholds, gate and abstention; shares are null where there is nothing to share. */
export interface Decisions {
  /** Films reported as present or absent, and how often that is right among them alone. */
  readonly decided: number;
  readonly sensitivityOfDecided: number | null;
  readonly specificityOfDecided: number | null;
  /** Films reported with one of the three labels, and how often it is right, among those of known class. */
  readonly labelled: number;
  readonly accuracyOfLabelled: number | null;
  /** Films reported as pneumonia whose type is left open. */
  readonly typeOpen: number;
  /** Films without a decision. */
  readonly undetermined: number;
}

/** `metrics.json`. */
export interface Evaluation {
  readonly format: 1;
  readonly model: ModelIdentity;
  readonly thresholds: { readonly present: number; readonly absent: number; readonly typeMargin: number };
  readonly films: {
    readonly found: number;
    readonly evaluated: number;
    readonly unreadable: number;
    readonly unlabelled: number;
    /** Films of other parts of the data set. */
    readonly leftOut: number;
    readonly patients: number;
    readonly byTruth: Readonly<Record<string, number>>;
  };
  /** The part that was evaluated, where the data set has parts. */
  readonly part: string | null;
  readonly measures: Measures;
  readonly intervals: Intervals;
  readonly bootstrap: { readonly resamples: number; readonly seed: number };
  /** Rows: truth; columns: strongest class; both in the order of `labels`. */
  readonly confusion: { readonly labels: readonly Label[]; readonly counts: readonly (readonly number[])[] };
  /** Rows: truth; columns: what is reported after thresholds, gate and abstention. */
  readonly reported: {
    readonly columns: readonly string[];
    readonly rows: Readonly<Record<string, readonly number[]>>;
  };
  /** The same in figures: what a reader of the reports gets, abstention counted apart. */
  readonly decisions: Decisions;
  /** Films that the gate or the quality rules held back; null where the scores alone were judged. */
  readonly heldBack: number | null;
  readonly subgroups: readonly Subgroup[];
  readonly card: readonly CardFigure[];
  /** Another model on the same films; `retrain` compares with the base. */
  readonly comparison?: Comparison;
  readonly misses: readonly Miss[];
  readonly unreadable: readonly { readonly name: string; readonly code: string }[];
  readonly seconds: number;
}

/** What the page shows beside the figures. */
export interface Drawings {
  readonly roc: readonly CurvePoint[];
  readonly precisionRecall: readonly CurvePoint[];
  readonly bands: Bootstrap;
  readonly reliability: {
    readonly top: readonly CalibrationBin[];
    readonly pneumonia: readonly CalibrationBin[];
  };
  readonly histograms: Readonly<Record<string, readonly number[]>>;
  /** JPEG of the heat map by the name of the film missed. */
  readonly heatmaps: ReadonlyMap<string, Uint8Array>;
}
