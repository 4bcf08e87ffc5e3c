import type { Rgb } from './colours.ts';
import { drawText } from './font.ts';

/** An RGB picture to draw on: row-major, three bytes a pixel. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** A black canvas, in this memory where it is large enough. */
export function blankCanvas(width: number, height: number, memory: Uint8Array = new Uint8Array()): Canvas {
  const bytes = width * height * 3;
  const rgb = memory.length >= bytes ? memory.subarray(0, bytes).fill(0) : new Uint8Array(bytes);
  return { width, height, rgb };
}

/** Fills a rectangle; what lies outside of the canvas is left out. */
export function fill(canvas: Canvas, x: number, y: number, width: number, height: number, colour: Rgb): void {
  const right = Math.min(x + width, canvas.width);
  const bottom = Math.min(y + height, canvas.height);
  for (let row = Math.max(y, 0); row < bottom; row += 1) {
    for (let column = Math.max(x, 0); column < right; column += 1) {
      const at = (row * canvas.width + column) * 3;
      canvas.rgb[at] = colour[0];
      canvas.rgb[at + 1] = colour[1];
      canvas.rgb[at + 2] = colour[2];
    }
  }
}

/** Writes a line of text with its top left corner at x, y; one font pixel is `zoom` canvas pixels. */
export function write(canvas: Canvas, text: string, x: number, y: number, zoom: number, colour: Rgb): void {
  drawText(text, (column, row) => fill(canvas, x + column * zoom, y + row * zoom, zoom, zoom, colour));
}
