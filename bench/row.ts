/**
 * One line of the bench's table: what was measured, beside what it is compared with in the same run. The
 * ratio is what counts; absolute figures belong to the machine.
 */
export interface Row {
  /** What is measured, in words of the field. */
  readonly what: string;
  /** With its unit, as it is to be read: `50.1 films/s`. */
  readonly measured: string;
  /** What it is compared with in the same run, with its unit; empty where the figure stands for itself. */
  readonly baseline: string;
  /** What the target speaks of: measured over baseline, or the figure itself. Null: not a number. */
  readonly value: number | null;
  /** Absent: told, not judged. */
  readonly target?: Target;
  /** Anything a reader must know to believe the figure. */
  readonly note?: string;
}

export interface Target {
  readonly least?: number;
  readonly most?: number;
  /** Unit of `value`; a ratio without one is shown with ×. */
  readonly unit?: string;
}

/** How a bench is asked to run. */
export interface BenchOptions {
  /** A few seconds instead of a minute: enough to see that it works, not enough to believe the figures. */
  readonly quick: boolean;
}

/** Tells each row as soon as it is known, so that what fails later loses nothing. */
export type Bench = (options: BenchOptions, tell: (row: Row) => void) => Promise<void>;

/** Whether a row keeps its target; undefined where there is none. */
export function holds({ value, target }: Row): boolean | undefined {
  if (target === undefined) return undefined;
  if (value === null || !Number.isFinite(value)) return false;
  return value >= (target.least ?? Number.NEGATIVE_INFINITY) && value <= (target.most ?? Infinity);
}

/** `>= 2.3 ×`, `<= 450 MB`, or nothing. */
export function targetText({ target }: Row): string {
  if (target === undefined) return '';
  const { least, most, unit = '×' } = target;
  return [
    least === undefined ? '' : `≥ ${least} ${unit}`,
    most === undefined ? '' : `≤ ${round(most)} ${unit}`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** Three significant digits, without an exponent. */
export function round(value: number): string {
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

export function rate(perSecond: number, what = 'films'): string {
  return `${round(perSecond)} ${what}/s`;
}

export function ms(milliseconds: number): string {
  return `${round(milliseconds)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
