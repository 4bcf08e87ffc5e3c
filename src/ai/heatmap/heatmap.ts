import type { GrayPicture } from '../../dicom/film/film.ts';
import { displayed } from '../explain.ts';
import type { ActivationMap, Label, Reading } from '../reading.ts';
import { resample } from '../resample.ts';
import { blankCanvas, type Canvas, fill, write } from './canvas.ts';
import { colourOf, opacityOf, type Rgb } from './colours.ts';
import { LETTER_WIDTH, LINE_HEIGHT, wrapText } from './font.ts';

export interface HeatmapInput {
  readonly picture: GrayPicture;
  /** The map of the class that `explainedLabel` names. */
  readonly map: ActivationMap;
  readonly reading: Pick<Reading, 'label' | 'pneumonia' | 'probabilities' | 'model'>;
  /** Longest side of the result in pixels, legend included (default 1024, at most 2048). */
  readonly longSide?: number;
}

export interface Heatmap {
  readonly width: number;
  readonly height: number;
  /** Row-major, three bytes a pixel. */
  readonly rgb: Uint8Array;
  /** Where the film lies in the picture, in its pixels. */
  readonly film: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** What decides where things stand in the picture. */
export interface HeatmapFrameInput extends Omit<HeatmapInput, 'picture' | 'map'> {
  readonly picture: Pick<GrayPicture, 'width' | 'height'>;
  readonly map: Pick<ActivationMap, 'label'>;
}

const TITLE = 'AI heat map - not for diagnosis';
const NAMES: Readonly<Record<Label, string>> = {
  normal: 'normal',
  'bacterial-pneumonia': 'bacterial pneumonia',
  'viral-pneumonia': 'viral pneumonia',
};
const WARNING: Rgb = [255, 214, 102];
const TEXT: Rgb = [222, 222, 222];
const FAINT: Rgb = [130, 130, 130];
const MARK: Rgb = [120, 170, 200];

/**
 * The film with the activation map over it, a colour bar 0..1 beside it and the legend above and below, all
 * outside of the film (standards 2). Nothing that identifies the patient is drawn, and the same input gives
 * the same bytes on any machine: resampling, colours and letters are our own.
 */
export function drawHeatmap(input: HeatmapInput): Heatmap {
  const layout = layOut(input);
  const { canvas, film, zoom, header, footer } = layout;
  for (const [i, line] of header.entries()) {
    write(canvas, line, film.x, zoom * (3 + i * LINE_HEIGHT), zoom, WARNING);
  }
  drawFilm(canvas, film, input.picture);
  drawMap(canvas, film, input.picture, input.map, displayed(input.map, isReported(input)));
  drawCorners(canvas, film, input.picture, input.map.box, zoom);
  drawBar(canvas, film, zoom);
  const below = film.y + film.height + zoom * 5;
  for (const [i, line] of footer.entries()) {
    write(canvas, line, film.x, below + zoom * i * LINE_HEIGHT, zoom, TEXT);
  }
  return { ...canvas, film };
}

/** Size of the picture that `drawHeatmap` makes of this input, and where the film lies in it. */
export function heatmapFrame(input: HeatmapFrameInput): Omit<Heatmap, 'rgb'> {
  const { canvas, film } = layOut(input);
  return { width: canvas.width, height: canvas.height, film };
}

/** Whether the map is of what the model reports; a pneumonia of open type counts for both types. */
function isReported({ map, reading }: HeatmapFrameInput): boolean {
  return reading.label === map.label || (reading.label === null && reading.pneumonia === 'present');
}

/** What the lines below the film say: whose map it is, what was reported, which model. */
function legend(input: HeatmapFrameInput): string[] {
  const { map, reading } = input;
  const shown = NAMES[map.label];
  const reported =
    reading.label !== null
      ? `Reported: ${NAMES[reading.label]} (${percent(reading.probabilities[reading.label])})`
      : reading.pneumonia === 'present'
        ? 'Reported: pneumonia, type undetermined'
        : 'Reported: none, the model abstains';
  const chance = percent(reading.probabilities[map.label]);
  const what =
    reading.label === map.label
      ? `Map: activation for ${shown}`
      : `Map: activation for ${shown} (${chance})${isReported(input) ? '' : ', which is not reported'}`;
  return [
    reported,
    what,
    'Colours show what the model reacts to, not the extent of disease',
    'Corners mark the area that was read',
    `Model: ${reading.model.name} ${reading.model.version}`,
  ];
}

function percent(probability: number): string {
  return `${(probability * 100).toFixed(1)} %`;
}

interface Layout {
  readonly canvas: Canvas;
  readonly film: Heatmap['film'];
  readonly zoom: number;
  readonly header: string[];
  readonly footer: string[];
}

/** Sizes: legend first, since its lines are as many as the width asks for; the film gets the rest. */
function layOut(input: HeatmapFrameInput): Layout {
  const longSide = Math.min(Math.max(Math.round(input.longSide ?? 1024), 256), 2048);
  const zoom = Math.max(1, Math.round(longSide / 640));
  const margin = zoom * 4;
  const bar = zoom * (8 + 12 + 3 * LETTER_WIDTH);
  const ratio = input.picture.width / input.picture.height;
  const lines = legend(input);
  const shortestLine = Math.min(longSide - margin, zoom * LETTER_WIDTH * 36);
  let width = longSide - margin - bar;
  for (;;) {
    const height = Math.max(1, Math.round(width / ratio));
    const across = Math.max(width + bar, shortestLine);
    const letters = Math.floor(across / (LETTER_WIDTH * zoom));
    const header = wrapText(TITLE, letters);
    const footer = lines.flatMap((line) => wrapText(line, letters));
    const above = zoom * (header.length * LINE_HEIGHT + 3);
    const total = above + height + zoom * (footer.length * LINE_HEIGHT + 5);
    if (total <= longSide || width <= 16) {
      const canvas = blankCanvas(margin + across, Math.min(total, longSide));
      return { canvas, film: { x: margin, y: above, width, height }, zoom, header, footer };
    }
    width -= Math.max(1, Math.floor((total - longSide) * Math.min(ratio, 1) * 0.5));
  }
}

function drawFilm(canvas: Canvas, film: Heatmap['film'], picture: GrayPicture): void {
  const whole = { x0: 0, y0: 0, x1: picture.width, y1: picture.height };
  const grey = resample(picture, whole, film.width, film.height);
  const { rgb } = canvas;
  for (let y = 0; y < film.height; y += 1) {
    let at = ((film.y + y) * canvas.width + film.x) * 3;
    for (let from = y * film.width; from < (y + 1) * film.width; from += 1, at += 3) {
      const value = ((grey[from] as number) + 0.5) | 0;
      rgb[at] = value;
      rgb[at + 1] = value;
      rgb[at + 2] = value;
    }
  }
}

const BLENDS = 1024;
/**
 * For values 0..1 of the map: the share of the film that stays, then what is added to red, green and blue, with
 * the half that rounds.
 */
const BLEND = Float64Array.from({ length: BLENDS * 4 }, (_, i) => {
  const value = Math.floor(i / 4) / (BLENDS - 1);
  const opacity = opacityOf(value);
  const channel = (i % 4) - 1;
  return channel < 0 ? 1 - opacity : (colourOf(value)[channel] ?? 0) * opacity + 0.5;
});

/** The map, bilinear between the centres of its cells, over its box; nothing is drawn outside of the box. */
function drawMap(
  canvas: Canvas,
  film: Heatmap['film'],
  picture: GrayPicture,
  map: ActivationMap,
  shown: Float32Array,
): void {
  const { x0, y0, x1, y1 } = map.box;
  const columns = places(film.width, picture.width, x0, x1, map.width);
  const rows = places(film.height, picture.height, y0, y1, map.height);
  const line = new Float64Array(map.width);
  const { rgb } = canvas;
  for (const row of rows) {
    for (let x = 0; x < map.width; x += 1) {
      const upper = shown[row.low * map.width + x] as number;
      const lower = shown[row.high * map.width + x] as number;
      line[x] = (upper * (1 - row.share) + lower * row.share) * (BLENDS - 1) + 0.5;
    }
    const first = ((film.y + row.pixel) * canvas.width + film.x) * 3;
    for (const { pixel, low, high, share } of columns) {
      const left = line[low] as number;
      const entry = ((left + ((line[high] as number) - left) * share) | 0) * 4;
      const kept = BLEND[entry] as number;
      if (kept === 1) continue;
      const at = first + pixel * 3;
      rgb[at] = (rgb[at] as number) * kept + (BLEND[entry + 1] as number);
      rgb[at + 1] = (rgb[at + 1] as number) * kept + (BLEND[entry + 2] as number);
      rgb[at + 2] = (rgb[at + 2] as number) * kept + (BLEND[entry + 3] as number);
    }
  }
}

/** Marks the corners of the area that was read, within the film. */
function drawCorners(
  canvas: Canvas,
  film: Heatmap['film'],
  picture: GrayPicture,
  box: ActivationMap['box'],
  zoom: number,
): void {
  const within = (at: number, size: number, drawn: number) =>
    Math.round((Math.min(Math.max(at, 0), size) / size) * drawn);
  const [left, right] = [box.x0, box.x1].map((x) => film.x + within(x, picture.width, film.width));
  const [top, bottom] = [box.y0, box.y1].map((y) => film.y + within(y, picture.height, film.height));
  if (left === undefined || right === undefined || top === undefined || bottom === undefined) return;
  const arm = zoom * 9;
  for (const [x, y] of [
    [left, top],
    [right - arm, top],
    [left, bottom - zoom],
    [right - arm, bottom - zoom],
  ] as const) {
    fill(canvas, x, y, arm, zoom, MARK);
  }
  for (const [x, y] of [
    [left, top],
    [right - zoom, top],
    [left, bottom - arm],
    [right - zoom, bottom - arm],
  ] as const) {
    fill(canvas, x, y, zoom, arm, MARK);
  }
}

interface Place {
  readonly pixel: number;
  readonly low: number;
  readonly high: number;
  /** Share of the cell `high`. */
  readonly share: number;
}

/** The drawn pixels of one axis that lie in the box, each with the two cells of the map it lies between. */
function places(drawn: number, size: number, from: number, to: number, cells: number): Place[] {
  const found: Place[] = [];
  for (let pixel = 0; pixel < drawn; pixel += 1) {
    const at = ((pixel + 0.5) / drawn) * size;
    if (at < from || at >= to) continue;
    const cell = Math.min(Math.max(((at - from) / (to - from)) * cells - 0.5, 0), cells - 1);
    const low = Math.floor(cell);
    found.push({ pixel, low, high: Math.min(low + 1, cells - 1), share: cell - low });
  }
  return found;
}

function blend(canvas: Canvas, x: number, y: number, colour: Rgb, share: number): void {
  const { rgb } = canvas;
  const at = (y * canvas.width + x) * 3;
  const [red, green, blue] = [rgb[at] as number, rgb[at + 1] as number, rgb[at + 2] as number];
  rgb[at] = Math.round(red + (colour[0] - red) * share);
  rgb[at + 1] = Math.round(green + (colour[1] - green) * share);
  rgb[at + 2] = Math.round(blue + (colour[2] - blue) * share);
}

/** The scale beside the film, as its colours look over black with the opacity they have on the film. */
function drawBar(canvas: Canvas, film: Heatmap['film'], zoom: number): void {
  const width = zoom * 8;
  const height = Math.round(film.height * 0.5);
  const x = film.x + film.width + zoom * 6;
  const y = film.y + Math.round((film.height - height) / 2);
  fill(canvas, x - 1, y - 1, width + 2, height + 2, FAINT);
  fill(canvas, x, y, width, height, [0, 0, 0]);
  for (let row = 0; row < height; row += 1) {
    const value = 1 - (row + 0.5) / height;
    for (let column = 0; column < width; column += 1) {
      blend(canvas, x + column, y + row, colourOf(value), Math.min(1, opacityOf(value) / opacityOf(1)));
    }
  }
  for (const tick of [0, 0.5, 1]) {
    const at = y + Math.round((1 - tick) * (height - 1));
    fill(canvas, x + width, at, zoom * 2, 1, TEXT);
    write(canvas, String(tick), x + width + zoom * 4, at - zoom * 3, zoom, TEXT);
  }
}
