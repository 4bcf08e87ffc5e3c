import { scaleLinear } from 'd3-scale';
import { curveLinear, line } from 'd3-shape';
import type { ActivitySpan } from './activity.ts';

/** A small chart laid out: whoever shows it puts shapes where it says. All lengths are in its own units. */
export interface Figure {
  readonly width: number;
  readonly height: number;
  /** Place of the base line and the left edge. */
  readonly base: number;
  readonly left: number;
  readonly right: number;
  readonly yTicks: readonly { readonly y: number; readonly value: number }[];
  /** Beginnings of spans that get a label. */
  readonly xTicks: readonly { readonly x: number; readonly at: number }[];
  readonly bars: readonly FigureBar[];
  readonly lines: readonly { readonly of: string; readonly path: string }[];
  readonly dots: readonly { readonly of: string; readonly x: number; readonly y: number }[];
}

export interface FigureBar {
  readonly of: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const SIZE = { width: 640, height: 200 };
const MARGIN = { top: 12, right: 8, bottom: 26, left: 52 };
const X_LABELS = 6;
const GAP = 0.2;

/** Readings that ended in each span, stacked by how. */
export function throughputFigure(spans: readonly ActivitySpan[]): Figure {
  const kinds = ['reported', 'skipped', 'failed'] as const;
  const totals = spans.map((span) => kinds.reduce((sum, kind) => sum + span[kind], 0));
  const frame = frameOf(spans, Math.max(4, ...totals), 1);
  const bars = spans.flatMap((span, index) => {
    let below = 0;
    return kinds.flatMap((of) => {
      const from = below;
      below += span[of];
      if (span[of] === 0) return [];
      const y = frame.y(below);
      return [{ of, ...frame.across(index), y: round(y), height: round(frame.y(from) - y) }];
    });
  });
  return { ...frame.figure, bars };
}

/** Median and 90th percentile of the waiting times in each span, in seconds. */
export function waitingFigure(spans: readonly ActivitySpan[]): Figure {
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1000);
  const highest = Math.max(1, ...spans.map(({ wait90 }) => seconds(wait90) ?? 0));
  const frame = frameOf(spans, highest, 0);
  const series = (['waitMedian', 'wait90'] as const).map((of) => {
    const points = spans.map((span, index) => {
      const { x, width } = frame.across(index);
      const value = seconds(span[of]);
      return { x: round(x + width / 2), y: value === null ? null : round(frame.y(value)) };
    });
    const path = line<(typeof points)[number]>()
      .defined(({ y }) => y !== null)
      .x(({ x }) => x)
      .y(({ y }) => y ?? 0)
      .curve(curveLinear)(points);
    const dots = points.flatMap(({ x, y }) => (y === null ? [] : [{ of, x, y }]));
    return { of, path: path ?? '', dots };
  });
  return {
    ...frame.figure,
    lines: series.map(({ of, path }) => ({ of, path })),
    dots: series.flatMap(({ dots }) => dots),
  };
}

/** Scales and ticks; whole numbers only where `step` is 1. */
function frameOf(spans: readonly ActivitySpan[], highest: number, step: 0 | 1) {
  const left = MARGIN.left;
  const right = SIZE.width - MARGIN.right;
  const base = SIZE.height - MARGIN.bottom;
  const x = scaleLinear().domain([0, spans.length]).range([left, right]);
  const y = scaleLinear().domain([0, highest]).nice(4).range([base, MARGIN.top]);
  const every = Math.max(1, Math.ceil(spans.length / X_LABELS));
  const figure: Figure = {
    ...SIZE,
    ...{ base, left, right },
    yTicks: y
      .ticks(4)
      .filter((value) => step === 0 || Number.isInteger(value))
      .map((value) => ({ y: round(y(value)), value })),
    xTicks: spans.flatMap((span, index) =>
      index % every === 0 ? [{ x: round(x(index)), at: span.from }] : [],
    ),
    bars: [],
    lines: [],
    dots: [],
  };
  const across = (index: number) => {
    const width = x(1) - x(0);
    return { x: round(x(index) + (width * GAP) / 2), width: round(width * (1 - GAP)) };
  };
  return { figure, y, across };
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}
