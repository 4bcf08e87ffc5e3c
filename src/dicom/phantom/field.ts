import type { Chance } from './random.ts';

/**
 * A radiograph before the detector: how much the beam was weakened at each place, as a sum over what it went
 * through. Shapes are given in units of half the inner width of the thorax, x to the picture's right, y down.
 */
export interface Field {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
  /** Pixels per unit. */
  readonly scale: number;
  /** Pixel position of the origin. */
  readonly left: number;
  readonly top: number;
}

/** A point of a tube: centre, radius, and how much of the tube's density is there. */
export interface TubePoint {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly density?: number;
}

export function emptyField(
  width: number,
  height: number,
  place: { scale: number; left: number; top: number },
): Field {
  const { scale, left, top } = place;
  return { width, height, values: new Float32Array(width * height), scale, left, top };
}

/** Adds `value(x, y)` to every pixel. */
export function paint(field: Field, value: (x: number, y: number) => number): void {
  const { width, height, values, scale, left, top } = field;
  for (let row = 0; row < height; row++) {
    const y = (row + 0.5 - top) / scale;
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      values[at] = (values[at] ?? 0) + value((column + 0.5 - left) / scale, y);
    }
  }
}

/**
 * Shadow of a solid rod at `squared`, the squared distance from its axis over its radius: 1 in the middle,
 * falling to 0 at the rim as the chord does.
 */
export function solid(squared: number): number {
  return squared < 1 ? Math.sqrt(1 - squared) : 0;
}

/** 0 below `from`, 1 above `to`, smooth between. */
export function step(from: number, to: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/** Adds the shadow of an ellipsoid; `angle` in radians turns it clockwise on the picture. */
export function ellipsoid(
  field: Field,
  shape: { x: number; y: number; rx: number; ry: number; angle?: number; density: number; softness?: number },
): void {
  const { width, height, values, scale, left, top } = field;
  const { x, y, rx, ry, density, angle = 0, softness = 0.5 } = shape;
  const reach = Math.max(rx, ry);
  const firstRow = Math.max(0, Math.floor((y - reach) * scale + top));
  const lastRow = Math.min(height - 1, Math.ceil((y + reach) * scale + top));
  const firstColumn = Math.max(0, Math.floor((x - reach) * scale + left));
  const lastColumn = Math.min(width - 1, Math.ceil((x + reach) * scale + left));
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  for (let row = firstRow; row <= lastRow; row++) {
    const dy = (row + 0.5 - top) / scale - y;
    for (let column = firstColumn; column <= lastColumn; column++) {
      const dx = (column + 0.5 - left) / scale - x;
      const along = (dx * cos + dy * sin) / rx;
      const across = (dy * cos - dx * sin) / ry;
      const squared = along * along + across * across;
      if (squared >= 1) continue;
      const at = row * width + column;
      values[at] = (values[at] ?? 0) + density * (1 - squared) ** softness;
    }
  }
}

/** Shadow of a tubular bone: dense rims (cortex), less between (marrow). */
export function hollow(squared: number): number {
  return 1.25 * solid(squared) - 0.75 * solid(squared / 0.62);
}

/** Adds the shadow of a bent tube through the points; where it overlaps itself it counts once. */
export function tube(
  field: Field,
  points: readonly TubePoint[],
  density: number,
  profile: (squared: number) => number = solid,
): void {
  tubes(field, [points], density, profile);
}

/** Adds the shadow of several tubes as one body: where they overlap, the nearer axis counts, once. */
export function tubes(
  field: Field,
  lines: readonly (readonly TubePoint[])[],
  density: number,
  profile: (squared: number) => number = solid,
): void {
  const { width, values, scale, left, top } = field;
  const box = boxOf(field, lines.flat());
  if (box.columns <= 0 || box.rows <= 0) return;
  const nearest = new Float32Array(box.rows * box.columns).fill(1);
  const share = new Float32Array(box.rows * box.columns);
  const stamp = (cx: number, cy: number, radius: number, here: number) => {
    const from = Math.max(0, Math.floor(cy - radius));
    const to = Math.min(box.rows - 1, Math.ceil(cy + radius));
    const first = Math.max(0, Math.floor(cx - radius));
    const last = Math.min(box.columns - 1, Math.ceil(cx + radius));
    for (let row = from; row <= to; row++) {
      const dy = row + 0.5 - cy;
      for (let column = first; column <= last; column++) {
        const dx = column + 0.5 - cx;
        const squared = (dx * dx + dy * dy) / (radius * radius);
        const at = row * box.columns + column;
        if (squared < (nearest[at] ?? 1)) {
          nearest[at] = squared;
          share[at] = here;
        }
      }
    }
  };
  for (const points of lines) {
    points.forEach((a, index) => {
      const b = points[index + 1];
      if (b === undefined) return;
      const length = Math.hypot(b.x - a.x, b.y - a.y) * scale;
      const stride = Math.max(0.7, 0.12 * Math.min(a.radius, b.radius) * scale);
      const count = Math.max(1, Math.ceil(length / stride));
      for (let k = 0; k <= count; k++) {
        const mix = (from: number, to: number) => from + ((to - from) * k) / count;
        stamp(
          mix(a.x, b.x) * scale + left - box.column,
          mix(a.y, b.y) * scale + top - box.row,
          Math.max(0.6, mix(a.radius, b.radius) * scale),
          mix(a.density ?? 1, b.density ?? 1),
        );
      }
    });
  }
  for (let row = 0; row < box.rows; row++) {
    for (let column = 0; column < box.columns; column++) {
      const local = row * box.columns + column;
      const squared = nearest[local] ?? 1;
      if (squared >= 1) continue;
      const at = (row + box.row) * width + column + box.column;
      values[at] = (values[at] ?? 0) + density * (share[local] ?? 0) * profile(squared);
    }
  }
}

/** The pixels of the field that the points can touch. */
function boxOf(
  { width, height, scale, left, top }: Field,
  points: readonly TubePoint[],
): { row: number; column: number; rows: number; columns: number } {
  let [firstRow, lastRow, firstColumn, lastColumn] = [height, -1, width, -1];
  for (const { x, y, radius } of points) {
    firstRow = Math.min(firstRow, Math.floor((y - radius) * scale + top) - 1);
    lastRow = Math.max(lastRow, Math.ceil((y + radius) * scale + top) + 1);
    firstColumn = Math.min(firstColumn, Math.floor((x - radius) * scale + left) - 1);
    lastColumn = Math.max(lastColumn, Math.ceil((x + radius) * scale + left) + 1);
  }
  const row = Math.max(0, firstRow);
  const column = Math.max(0, firstColumn);
  return {
    row,
    column,
    rows: Math.min(height - 1, lastRow) - row + 1,
    columns: Math.min(width - 1, lastColumn) - column + 1,
  };
}

/** Adds the shadow of a vertebral body: a rounded block with denser end plates. */
export function block(
  field: Field,
  shape: { x: number; y: number; rx: number; ry: number; density: number },
): void {
  const { width, height, values, scale, left, top } = field;
  const { x, y, rx, ry, density } = shape;
  const firstRow = Math.max(0, Math.floor((y - ry) * scale + top));
  const lastRow = Math.min(height - 1, Math.ceil((y + ry) * scale + top));
  const firstColumn = Math.max(0, Math.floor((x - rx) * scale + left));
  const lastColumn = Math.min(width - 1, Math.ceil((x + rx) * scale + left));
  for (let row = firstRow; row <= lastRow; row++) {
    const down = Math.abs(((row + 0.5 - top) / scale - y) / ry);
    for (let column = firstColumn; column <= lastColumn; column++) {
      const across = Math.abs(((column + 0.5 - left) / scale - x) / rx);
      // The waist of the body is a little narrower than its ends.
      const edge = (across * (1.06 - 0.06 * down)) ** 6 + down ** 8;
      if (edge >= 1) continue;
      const at = row * width + column;
      const plate = 0.45 * step(0.72, 0.92, down) + 0.2 * step(0.8, 0.95, across);
      values[at] = (values[at] ?? 0) + density * (1 + plate) * Math.min(1, 4 * (1 - edge));
    }
  }
}

/** Smooth random hills, mean about 0 and size about 1, of the given number of octaves; `cell` in units. */
export function hills(
  field: Pick<Field, 'scale'>,
  random: Chance,
  cell: number,
  octaves: number,
): (x: number, y: number) => number {
  const side = 64;
  const lattice = Float32Array.from({ length: side * side }, () => 2 * random.next() - 1);
  const corner = (column: number, row: number) =>
    lattice[(row & (side - 1)) * side + (column & (side - 1))] ?? 0;
  const layers = Math.max(1, Math.min(octaves, Math.floor(Math.log2(Math.max(2, cell * field.scale)))));
  return (x, y) => {
    let sum = 0;
    let weight = 1;
    let frequency = 1 / cell;
    for (let layer = 0; layer < layers; layer++) {
      const u = x * frequency + 17.3 * layer + 512;
      const v = y * frequency + 41.7 * layer + 512;
      const column = Math.floor(u);
      const row = Math.floor(v);
      const s = u - column;
      const t = v - row;
      const fs = s * s * (3 - 2 * s);
      const ft = t * t * (3 - 2 * t);
      const upper = corner(column, row) + (corner(column + 1, row) - corner(column, row)) * fs;
      const lower = corner(column, row + 1) + (corner(column + 1, row + 1) - corner(column, row + 1)) * fs;
      sum += weight * (upper + (lower - upper) * ft);
      weight *= 0.55;
      frequency *= 2;
    }
    return 1.4 * sum;
  };
}
