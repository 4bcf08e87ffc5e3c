import type { GrayPicture } from '../../dicom/film/film.ts';
import { displayed } from '../explain.ts';
import type { ActivationMap } from '../reading.ts';
import { resampleRows } from '../resample.ts';
import { blankCanvas, type Canvas, fill, write } from './canvas.ts';
import { colourOf, opacityOf, type Rgb } from './colours.ts';
import { LETTER_WIDTH, LINE_HEIGHT, wrapText } from './font.ts';
import { isReported, type LegendInput, legend, tickOf, titleOf } from './legend.ts';

export interface HeatmapInput extends LegendInput {
  readonly picture: GrayPicture;
  /** The map of the class that `explainedLabel` names. */
  readonly map: ActivationMap;
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

const WARNING: Rgb = [255, 214, 102];
const TEXT: Rgb = [222, 222, 222];
const FAINT: Rgb = [130, 130, 130];
const MARK: Rgb = [120, 170, 200];

/**
 * The film with the activation map over it, a colour bar 0..1 beside it and the legend above and below, all
 * outside of the film (standards 2). Nothing that identifies the patient is drawn, and the same input gives
 * the same bytes on any machine: resampling, colours and letters are our own.
 *
 * @param memory is drawn in where it is large enough: the result is then a view of it. Default: memory of its own.
 */
export function drawHeatmap(input: HeatmapInput, memory?: Uint8Array): Heatmap {
  const { width, height, film, zoom, header, footer } = layOut(input);
  const canvas = blankCanvas(width, height, memory);
  for (const [i, line] of header.entries()) {
    write(canvas, line, film.x, zoom * (3 + i * LINE_HEIGHT), zoom, WARNING);
  }
  drawFilm(canvas, film, input.picture, input.map, displayed(input.map, isReported(input)));
  drawCorners(canvas, film, input.picture, input.map.box, zoom);
  drawBar(canvas, film, zoom, input);
  const below = film.y + film.height + zoom * 5;
  for (const [i, line] of footer.entries()) {
    write(canvas, line, film.x, below + zoom * i * LINE_HEIGHT, zoom, TEXT);
  }
  return { ...canvas, film };
}

/** Size of the picture that `drawHeatmap` makes of this input, and where the film lies in it. */
export function heatmapFrame(input: HeatmapFrameInput): Omit<Heatmap, 'rgb'> {
  const { width, height, film } = layOut(input);
  return { width, height, film };
}

interface Layout {
  readonly width: number;
  readonly height: number;
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
    const header = wrapText(titleOf(input), letters);
    const footer = lines.flatMap((line) => wrapText(line, letters));
    const above = zoom * (header.length * LINE_HEIGHT + 3);
    const total = above + height + zoom * (footer.length * LINE_HEIGHT + 5);
    if (total <= longSide || width <= 16) {
      const film = { x: margin, y: above, width, height };
      return { width: margin + across, height: Math.min(total, longSide), film, zoom, header, footer };
    }
    width -= Math.max(1, Math.floor((total - longSide) * Math.min(ratio, 1) * 0.5));
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

/**
 * The film, and over it the map, bilinear between the centres of its cells and within its box only. Row by row, so
 * that each pixel is written once.
 */
function drawFilm(
  canvas: Canvas,
  film: Heatmap['film'],
  picture: GrayPicture,
  map: ActivationMap,
  shown: Float32Array,
): void {
  const { x0, y0, x1, y1 } = map.box;
  const whole = { x0: 0, y0: 0, x1: picture.width, y1: picture.height };
  const columns = placesOf(film.width, picture.width, x0, x1, map.width);
  const rows = placesOf(film.height, picture.height, y0, y1, map.height);
  const cells = new Float64Array(map.width);
  resampleRows(picture, whole, film.width, film.height, (line, y) => {
    const first = ((film.y + y) * canvas.width + film.x) * 3;
    if (y < rows.first || y >= rows.end) {
      drawGreys(canvas.rgb, first, line, 0, line.length);
      return;
    }
    const [upper, lower] = [(rows.low[y] as number) * map.width, (rows.high[y] as number) * map.width];
    const share = rows.share[y] as number;
    for (let x = 0; x < map.width; x += 1) {
      const mixed = (shown[upper + x] as number) * (1 - share) + (shown[lower + x] as number) * share;
      cells[x] = mixed * (BLENDS - 1) + 0.5;
    }
    drawGreys(canvas.rgb, first, line, 0, columns.first);
    drawBlended(canvas.rgb, first, line, columns, cells);
    drawGreys(canvas.rgb, first, line, columns.end, line.length);
  });
}

/** Draws the pixels [from, end) of a row whose first stands at `first`. */
function drawGreys(rgb: Uint8Array, first: number, line: Float32Array, from: number, end: number): void {
  for (let x = from, at = first + 3 * from; x < end; x += 1, at += 3) {
    const grey = ((line[x] as number) + 0.5) | 0;
    rgb[at] = grey;
    rgb[at + 1] = grey;
    rgb[at + 2] = grey;
  }
}

/** Draws those within the box, coloured by the cells of the map, given as entries of `BLEND`. */
function drawBlended(
  rgb: Uint8Array,
  first: number,
  line: Float32Array,
  columns: Places,
  cells: Float64Array,
): void {
  const { low, high, share, end } = columns;
  for (let x = columns.first, at = first + 3 * x; x < end; x += 1, at += 3) {
    const left = cells[low[x] as number] as number;
    const right = cells[high[x] as number] as number;
    const entry = ((left + (right - left) * (share[x] as number)) | 0) * 4;
    const grey = ((line[x] as number) + 0.5) | 0;
    const under = grey * (BLEND[entry] as number);
    rgb[at] = under + (BLEND[entry + 1] as number);
    rgb[at + 1] = under + (BLEND[entry + 2] as number);
    rgb[at + 2] = under + (BLEND[entry + 3] as number);
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

/** The drawn pixels [first, end) of one axis that lie in the box, each with the two cells it lies between. */
interface Places {
  readonly first: number;
  readonly end: number;
  readonly low: Uint8Array;
  readonly high: Uint8Array;
  /** Share of the cell `high`. */
  readonly share: Float64Array;
}

function placesOf(drawn: number, size: number, from: number, to: number, cells: number): Places {
  const low = new Uint8Array(drawn);
  const high = new Uint8Array(drawn);
  const share = new Float64Array(drawn);
  let first = drawn;
  let end = 0;
  for (let pixel = 0; pixel < drawn; pixel += 1) {
    const at = ((pixel + 0.5) / drawn) * size;
    if (at < from || at >= to) continue;
    first = Math.min(first, pixel);
    end = pixel + 1;
    const cell = Math.min(Math.max(((at - from) / (to - from)) * cells - 0.5, 0), cells - 1);
    low[pixel] = Math.floor(cell);
    high[pixel] = Math.min(Math.floor(cell) + 1, cells - 1);
    share[pixel] = cell - Math.floor(cell);
  }
  return { first, end, low, high, share };
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
function drawBar(canvas: Canvas, film: Heatmap['film'], zoom: number, words: LegendInput): void {
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
    write(canvas, tickOf(tick, words), x + width + zoom * 4, at - zoom * 3, zoom, TEXT);
  }
}
