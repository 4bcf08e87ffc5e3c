import { type ScaleLinear, scaleLinear } from 'd3-scale';
import { area, curveLinear, curveStepAfter, line } from 'd3-shape';
import { escaped } from './markup.ts';

export interface PlotPoint {
  readonly x: number;
  readonly y: number;
}

/** A line of a plot. Colours differ in lightness and lines in dashes, so that grey paper tells them apart. */
export interface Series {
  readonly name?: string;
  readonly points: readonly PlotPoint[];
  readonly colour: string;
  readonly dashed?: boolean;
  readonly step?: boolean;
  /** A dot at each point, its area by `weight` if given. */
  readonly dots?: boolean | readonly number[];
}

export interface PlotOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xDomain: readonly [number, number];
  readonly yDomain: readonly [number, number];
  readonly series: readonly Series[];
  readonly band?: {
    readonly low: readonly PlotPoint[];
    readonly high: readonly PlotPoint[];
    readonly colour: string;
  };
  /** Marked places with a word beside them, the operating point for one. */
  readonly marks?: readonly { readonly at: PlotPoint; readonly label: string }[];
  /** Upright lines, thresholds for one. */
  readonly uprights?: readonly { readonly x: number; readonly label: string }[];
  /** Corner of the legend on the right; default `top`. */
  readonly legend?: 'top' | 'bottom';
  readonly width?: number;
  readonly height?: number;
}

export const INK = { blue: '#1b5e8c', red: '#b3372b', violet: '#8e6bbf', grey: '#888888' } as const;

const MARGIN = { top: 26, right: 14, bottom: 40, left: 60 };

interface Frame {
  readonly x: ScaleLinear<number, number>;
  readonly y: ScaleLinear<number, number>;
  readonly width: number;
  readonly height: number;
}

/** A line plot as SVG text. */
export function linePlot(options: PlotOptions): string {
  const frame = frameOf(options);
  const { x, y } = frame;
  const path = line<PlotPoint>()
    .x((point) => round(x(point.x)))
    .y((point) => round(y(point.y)));
  const parts: string[] = [];
  if (options.band) {
    const { low, high, colour } = options.band;
    const between = area<PlotPoint>()
      .x((point) => round(x(point.x)))
      .y0((_, i) => round(y(low[i]?.y ?? 0)))
      .y1((point) => round(y(point.y)));
    parts.push(`<path d="${between([...high]) ?? ''}" fill="${colour}" fill-opacity="0.18"/>`);
  }
  for (const series of options.series) {
    const drawn = path.curve(series.step ? curveStepAfter : curveLinear)([...series.points]) ?? '';
    parts.push(
      `<path d="${drawn}" fill="none" stroke="${series.colour}" stroke-width="1.8"${series.dashed ? ' stroke-dasharray="5 4"' : ''}/>`,
    );
    parts.push(...dots(series, frame));
  }
  for (const { x: at, label } of options.uprights ?? []) {
    const column = round(x(at));
    parts.push(
      `<path d="M${column},${MARGIN.top}V${frame.height - MARGIN.bottom}" stroke="#333" stroke-dasharray="2 3"/>`,
    );
    parts.push(`<text x="${column + 3}" y="${MARGIN.top + 10}" font-size="11">${escaped(label)}</text>`);
  }
  for (const { at, label } of options.marks ?? []) {
    const left = x(at.x) > frame.width * 0.6;
    parts.push(
      `<circle cx="${round(x(at.x))}" cy="${round(y(at.y))}" r="4.5" fill="#fff" stroke="#000" stroke-width="1.6"/>`,
    );
    parts.push(
      `<text x="${round(x(at.x)) + (left ? -9 : 9)}" y="${round(y(at.y)) + 14}" text-anchor="${left ? 'end' : 'start'}">${escaped(label)}</text>`,
    );
  }
  return wrapped(options, frame, parts.join(''));
}

function dots(series: Series, { x, y }: Frame): string[] {
  const { dots: wanted } = series;
  if (!wanted) return [];
  const heaviest = wanted === true ? 1 : Math.max(...wanted, 1);
  return series.points.map((point, i) => {
    const radius = wanted === true ? 2.5 : 2 + 7 * Math.sqrt((wanted[i] ?? 0) / heaviest);
    return `<circle cx="${round(x(point.x))}" cy="${round(y(point.y))}" r="${round(radius)}" fill="${series.colour}" fill-opacity="0.75"/>`;
  });
}

/** Histograms one below the other over one axis 0..1, each with its own height. */
export function histogramPlot(options: {
  readonly title: string;
  readonly xLabel: string;
  readonly rows: readonly {
    readonly name: string;
    readonly colour: string;
    readonly counts: readonly number[];
  }[];
  readonly uprights?: PlotOptions['uprights'];
}): string {
  const rowHeight = 92;
  const width = 440;
  const bottom = MARGIN.top + rowHeight * options.rows.length;
  const height = bottom + MARGIN.bottom + (options.uprights ? 16 : 0);
  const x = scaleLinear([0, 1], [MARGIN.left, width - MARGIN.right]);
  const parts = options.rows.map(({ name, colour, counts }, row) => {
    const base = MARGIN.top + rowHeight * (row + 1);
    const highest = Math.max(...counts, 1);
    const y = scaleLinear([0, highest], [0, rowHeight - 22]);
    const bars = counts.map((count, i) => {
      const [from, to] = [x(i / counts.length), x((i + 1) / counts.length)];
      return `<rect x="${round(from + 0.5)}" y="${round(base - y(count))}" width="${round(to - from - 1)}" height="${round(y(count))}" fill="${colour}"/>`;
    });
    const rule = `<path d="M${MARGIN.left},${base}H${width - MARGIN.right}" stroke="#333"/>`;
    const most = `<text x="${MARGIN.left - 6}" y="${base - rowHeight + 26}" text-anchor="end">${highest}</text>`;
    return `${bars.join('')}${rule}${most}<text x="${MARGIN.left + 6}" y="${base - rowHeight + 14}">${escaped(name)}</text>`;
  });
  const uprights = (options.uprights ?? []).map(({ x: at, label }, i) => {
    const column = round(x(at));
    const side = i === 0 ? `x="${column - 3}" text-anchor="end"` : `x="${column + 3}"`;
    return `<path d="M${column},${MARGIN.top}V${bottom + 32}" stroke="#333" stroke-dasharray="2 3"/><text ${side} y="${bottom + 32}" font-size="11">${escaped(label)}</text>`;
  });
  const ticks = x.ticks(6).map((tick) => xTick(x(tick), bottom, String(tick), false));
  return svg(
    width,
    height,
    options.title,
    `${ticks.join('')}${parts.join('')}${uprights.join('')}${xTitle(width, height, options.xLabel)}`,
  );
}

function frameOf({ xDomain, yDomain, width = 440, height = 340 }: PlotOptions): Frame {
  return {
    x: scaleLinear([...xDomain], [MARGIN.left, width - MARGIN.right]),
    y: scaleLinear([...yDomain], [height - MARGIN.bottom, MARGIN.top]),
    width,
    height,
  };
}

function wrapped(options: PlotOptions, { x, y, width, height }: Frame, content: string): string {
  const [bottom, right] = [height - MARGIN.bottom, width - MARGIN.right];
  const across = x.ticks(6).map((tick) => xTick(x(tick), bottom, x.tickFormat(6)(tick), true));
  const up = y.ticks(6).map((tick) => {
    const at = round(y(tick));
    return `<path d="M${MARGIN.left},${at}H${right}" stroke="#e2e2e2"/><text x="${MARGIN.left - 6}" y="${at + 4}" text-anchor="end">${escaped(y.tickFormat(6)(tick))}</text>`;
  });
  const border = `<path d="M${MARGIN.left},${MARGIN.top}V${bottom}H${right}" fill="none" stroke="#333"/>`;
  const middle = (MARGIN.top + bottom) / 2;
  const yTitle = `<text transform="translate(13,${middle}) rotate(-90)" text-anchor="middle">${escaped(options.yLabel)}</text>`;
  const named = options.series.filter((series) => series.name !== undefined);
  const legend = named.map((series, i) => {
    const first = options.legend === 'bottom' ? bottom + 6 - named.length * 16 : MARGIN.top + 14;
    const at = first + i * 16;
    const dash = series.dashed ? ' stroke-dasharray="5 4"' : '';
    return `<path d="M${right - 150},${at - 4}h22" stroke="${series.colour}" stroke-width="2"${dash}/><text x="${right - 122}" y="${at}">${escaped(series.name ?? '')}</text>`;
  });
  return svg(
    width,
    height,
    options.title,
    `${across.join('')}${up.join('')}${border}${content}${legend.join('')}${xTitle(width, height, options.xLabel)}${yTitle}`,
  );
}

function xTick(at: number, bottom: number, label: string, grid: boolean): string {
  const rule = grid ? `<path d="M${round(at)},${MARGIN.top}V${bottom}" stroke="#e2e2e2"/>` : '';
  return `${rule}<text x="${round(at)}" y="${bottom + 16}" text-anchor="middle">${escaped(label)}</text>`;
}

function xTitle(width: number, height: number, label: string): string {
  return `<text x="${(MARGIN.left + width - MARGIN.right) / 2}" y="${height - 6}" text-anchor="middle">${escaped(label)}</text>`;
}

function svg(width: number, height: number, title: string, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escaped(title)}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><rect width="${width}" height="${height}" fill="#fff"/><text x="${MARGIN.left}" y="15" font-weight="600">${escaped(title)}</text>${content}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
