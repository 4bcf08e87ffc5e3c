import { ADULT, CHILD } from './build.ts';
import { type Finding, frontalChest } from './chest.ts';
import { hand, skull } from './elsewhere.ts';
import { type Field, tube } from './field.ts';
import { chance } from './random.ts';

/** What to draw; everything has a default. */
export interface PhantomDrawing {
  /** The same seed gives the same film. Default 1. */
  readonly seed?: number;
  /** Pixels. Defaults 2048 × 2500 (adult), 1536 × 1280 (child). */
  readonly width?: number;
  readonly height?: number;
  /** Depth: values reach from 0 to 2^bits - 1. 8 to 16, default 12. */
  readonly bits?: number;
  /** Default `child`, the population of the shipped model. */
  readonly subject?: 'child' | 'adult';
  /** A frontal chest or what is none: `blank` is an even plate, `noise` an unexposed one. Default `chest`. */
  readonly anatomy?: 'chest' | 'hand' | 'skull' | 'blank' | 'noise';
  readonly finding?: Finding;
  /** Side marker on the plate; default `R`, on the patient's right. */
  readonly marker?: 'R' | 'L' | 'none';
  /** What stands outside of the collimated field: shuttered (`black`), bare plate (`white`), or no border. */
  readonly border?: 'black' | 'white' | 'none';
  /** Grain, 1 is usual, 0 none. */
  readonly noise?: number;
}

/** A drawn film: row-major, bone bright (as MONOCHROME2 shows it), patient's right on the picture's left. */
export interface PhantomPixels {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint16Array;
}

/** Long side of the anatomy's own raster; larger films are enlarged from it, grain is drawn at full size. */
const WORKING_SIDE = 1024;

/** Draws a synthetic film. Shows no person; no clinical film went into it. */
export function drawPhantom(options: PhantomDrawing = {}): PhantomPixels {
  const subject = options.subject ?? 'child';
  const width = options.width ?? (subject === 'child' ? 1536 : 2048);
  const height = options.height ?? (subject === 'child' ? 1280 : 2500);
  const bits = options.bits ?? 12;
  const random = chance(options.seed ?? 1);
  const reduction = Math.max(1, Math.max(width, height) / WORKING_SIDE);
  const size = { width: Math.ceil(width / reduction), height: Math.ceil(height / reduction) };
  const anatomy = options.anatomy ?? 'chest';
  const film = new Float32Array(size.width * size.height).fill(anatomy === 'blank' ? 0.5 : 0.05);
  if (anatomy !== 'blank' && anatomy !== 'noise') {
    const build = subject === 'child' ? CHILD : ADULT;
    const field =
      anatomy === 'hand'
        ? hand(size, random)
        : anatomy === 'skull'
          ? skull(size, random)
          : frontalChest(size, build, options.finding ?? 'normal', random);
    drawMarker(field, options.marker ?? 'R');
    for (let at = 0; at < film.length; at++) film[at] = tone(field.values[at] ?? 0);
    collimate(film, size, options.border ?? 'black', random.between(0.008, 0.02));
  }
  const noise = (options.noise ?? 1) * (anatomy === 'noise' ? 12 : anatomy === 'blank' ? 0.05 : 1);
  return {
    width,
    height,
    pixels: expose(film, size, { width, height, bits, noise, seed: options.seed ?? 1 }),
  };
}

/** The display curve: air black, lungs dark grey, soft tissue light, lead white. */
function tone(weakening: number): number {
  const bent = 1 - Math.exp(-1.15 * Math.max(0, weakening) ** 1.15);
  return Math.min(1, 0.02 + 1.22 * bent);
}

/** A lead letter in the upper corner of its side, in strokes. */
function drawMarker(field: Field, marker: 'R' | 'L' | 'none'): void {
  if (marker === 'none') return;
  const size = 0.11;
  const edge = marker === 'R' ? 0.05 * field.width : 0.95 * field.width - size * 0.7 * field.scale;
  const x = (edge - field.left) / field.scale;
  const y = (0.06 * field.height - field.top) / field.scale;
  const strokes: [number, number][][] =
    marker === 'L'
      ? [
          [
            [0, 0],
            [0, 1],
            [0.62, 1],
          ],
        ]
      : [
          [
            [0, 1],
            [0, 0],
            [0.42, 0],
            [0.6, 0.12],
            [0.6, 0.38],
            [0.42, 0.5],
            [0, 0.5],
          ],
          [
            [0.3, 0.5],
            [0.64, 1],
          ],
        ];
  for (const stroke of strokes) {
    const points = stroke.map(([sx, sy]) => ({ x: x + sx * size, y: y + sy * size, radius: 0.014 }));
    tube(field, points, 2.5, () => 1);
  }
}

/** Blanks what the collimator kept from the beam; `margin` is a share of the width. */
function collimate(
  film: Float32Array,
  { width, height }: { width: number; height: number },
  border: 'black' | 'white' | 'none',
  margin: number,
): void {
  if (border === 'none') return;
  const wide = Math.round(margin * width);
  const value = border === 'black' ? 0 : 0.97;
  for (let row = 0; row < height; row++) {
    const outside = row < wide || row >= height - wide;
    for (let column = 0; column < width; column++) {
      if (outside || column < wide || column >= width - wide) film[row * width + column] = value;
    }
  }
}

/** Enlarges the film linearly to its full size, adds grain, and quantises. */
function expose(
  film: Float32Array,
  size: { width: number; height: number },
  to: { width: number; height: number; bits: number; noise: number; seed: number },
): Uint16Array {
  const { width, height } = to;
  const most = 2 ** to.bits - 1;
  const pixels = new Uint16Array(width * height);
  const columns = Int32Array.from({ length: width }, (_, x) => {
    const at = ((x + 0.5) * size.width) / width - 0.5;
    return Math.min(Math.max(0, Math.floor(at)), Math.max(0, size.width - 2));
  });
  const shares = Float32Array.from({ length: width }, (_, x) => {
    const at = ((x + 0.5) * size.width) / width - 0.5;
    return Math.min(1, Math.max(0, at - (columns[x] ?? 0)));
  });
  const next = size.width > 1 ? 1 : 0;
  const line = new Float32Array(size.width);
  let state = (to.seed * 2654435761 + 1) | 1;
  // Grain follows the light: a dense part of the film got fewer photons.
  const grain = (to.noise * 0.009 * most) / (255 * Math.SQRT2);
  for (let y = 0; y < height; y++) {
    const at = Math.min(size.height - 1, Math.max(0, ((y + 0.5) * size.height) / height - 0.5));
    const upper = Math.floor(at);
    const lower = Math.min(size.height - 1, upper + 1);
    const share = at - upper;
    for (let x = 0; x < size.width; x++) {
      const above = film[upper * size.width + x] ?? 0;
      line[x] = above + ((film[lower * size.width + x] ?? 0) - above) * share;
    }
    const row = y * width;
    for (let x = 0; x < width; x++) {
      const column = columns[x] ?? 0;
      const here = line[column] ?? 0;
      const value = here + ((line[column + next] ?? 0) - here) * (shares[x] ?? 0);
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const chanceSum = (state & 255) + ((state >>> 8) & 255) + ((state >>> 16) & 255) + (state >>> 24) - 510;
      const cell = value * most + chanceSum * grain * (0.35 + value);
      pixels[row + x] = cell <= 0 ? 0 : cell >= most ? most : cell + 0.5;
    }
  }
  return pixels;
}
