import { type Build, thoraxHalf } from './build.ts';
import { ellipsoid, type Field, hills, solid, step, type TubePoint, tubes } from './field.ts';
import type { Chance } from './random.ts';

/** How much of something the beam meets at a place; 0 where there is none. */
type Shadow = (x: number, y: number) => number;

/** Soft tissue along the beam: neck, shoulders, chest wall, abdomen. */
export function bodyShadow(build: Build, random: Chance): Shadow {
  const wall = 1 + build.chestWall;
  const fat = random.between(0.96, 1.06);
  const texture = hills({ scale: 40 }, random, 0.5, 3);
  return (x, y) => {
    const shoulders = step(-0.36, 0.1, y) * (1 - step(0.34, 0.95, y));
    const half =
      0.4 +
      (wall * fat - 0.4) * step(-0.34, 0.16, y) +
      0.34 * shoulders +
      0.03 * step(1, 2, y / build.lungHeight + 0.6);
    const ratio = Math.abs(x) / half;
    if (ratio >= 1) return 0;
    const depth = 0.66 + 0.3 * step(-0.1, 0.7, y);
    const thinning = 1 - 0.45 * shoulders * step(0.75, 1.4, Math.abs(x));
    return depth * thinning * (1 - ratio ** 3.4) ** 0.55 * (1 + 0.012 * texture(x, y));
  };
}

/** Lungs as a stack of chords: each row from the mediastinum to the ribs, closed by the domes of the diaphragm. */
export function lungs(build: Build, random: Chance): Shadow {
  const { lungHeight: height, recess } = build;
  const tilt = random.between(-0.015, 0.015);
  const domes = { right: height * random.between(0.985, 1.01), left: height * random.between(1.025, 1.06) };
  const widths = { right: random.between(0.96, 1), left: random.between(0.95, 0.99) };
  return (x, y) => {
    if (y <= 0) return 0;
    const away = Math.abs(x);
    const left = x > 0;
    const u = y / height;
    const outer = thoraxHalf(u) * (left ? widths.left : widths.right);
    const inner = build.upperMediastinum * 0.75 + 0.06 * Math.exp(-u / 0.1) + (left ? tilt : -tilt);
    if (away <= inner || away >= outer) return 0;
    const apex = 0.02 + 0.09 * ((away - 0.36) / 0.2) ** 2 * (1 - step(0.12, 0.3, y));
    if (y < apex) return 0;
    const across = (away - inner) / (outer - inner);
    const profile = (1 - Math.abs(2 * across - 1) ** 3.6) ** 0.5;
    const top = left ? domes.left : domes.right;
    const crest = 0.46;
    const diaphragm =
      away > crest
        ? top + recess * ((away - crest) / (outer - crest)) ** 2.5
        : top + 0.1 * ((crest - away) / crest) ** 2;
    const below = y - diaphragm;
    const depth = 0.46 + 0.26 * step(0, 0.5, u);
    const closing = below < 0 ? 1 - 0.3 * Math.exp(below / 0.14) : 0.7;
    const behind = 0.26 * Math.exp(-Math.max(0, below) / 0.1) * step(recess * 1.02, recess * 0.55, y - top);
    const open = 1 - step(-0.006, 0.006, below);
    return depth * profile * closing * step(0, 0.09, y - apex) ** 0.5 * (open + (1 - open) * behind);
  };
}

/** Heart and great vessels: how much lung they displace. */
export function heartShadow(build: Build, random: Chance): Shadow {
  const size = build.heart * random.between(0.94, 1.05);
  const base = build.lungHeight;
  const turn = random.between(0.55, 0.72);
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  const parts = [
    { x: 0.17 * size, y: base - 0.23 * size, rx: 0.53 * size, ry: 0.385 * size, cos, sin, thickness: 0.62 },
    { x: -0.1, y: base - 0.27 * size, rx: 0.23 * size, ry: 0.36 * size, cos: 1, sin: 0, thickness: 0.55 },
    { x: 0.14, y: base - 0.68 * size, rx: 0.17, ry: 0.2, cos: 1, sin: 0, thickness: 0.4 },
    { x: 0.13, y: 0.3 * base, rx: build.knob * 1.1, ry: build.knob * 1.15, cos: 1, sin: 0, thickness: 0.45 },
  ];
  const band = build.upperMediastinum;
  return (x, y) => {
    let thickness = 0;
    for (const part of parts) {
      const dx = x - part.x;
      const dy = y - part.y;
      const along = (dx * part.cos + dy * part.sin) / part.rx;
      const across = (dy * part.cos - dx * part.sin) / part.ry;
      const squared = along * along + across * across;
      if (squared < 1) thickness = Math.max(thickness, part.thickness * (1 - squared) ** 0.4);
    }
    const widening = band * (1 + 0.25 * Math.exp(-(((y - 0.42 * base) / 0.3) ** 2)));
    const ratio = Math.abs(x - 0.015) / widening;
    if (ratio < 1) thickness = Math.max(thickness, 0.6 * (1 - ratio ** 4) ** 0.5);
    return thickness;
  };
}

/** Hila and the tree of pulmonary vessels, thinning out towards the chest wall. */
export function drawVessels(field: Field, build: Build, random: Chance): void {
  const hilum = 0.5 * build.lungHeight;
  const finest = 0.7 / field.scale;
  for (const side of [-1, 1]) {
    const lines: TubePoint[][] = [];
    const grow = (x: number, y: number, angle: number, radius: number, left: number) => {
      const points: TubePoint[] = [];
      let heading = angle;
      let px = x;
      let py = y;
      const steps = 8;
      const length = left * random.between(0.28, 0.42);
      for (let i = 0; i <= steps; i++) {
        const here = radius * (1 - 0.25 * (i / steps));
        points.push({ x: px, y: py, radius: here, density: Math.min(1, here / 0.02) });
        heading += random.between(-0.1, 0.1);
        px += (Math.cos(heading) * side * length) / steps;
        py += (Math.sin(heading) * length) / steps;
      }
      lines.push(points);
      if (radius < finest || left < 0.1) return;
      const fork = random.between(0.2, 0.42);
      grow(px, py, heading + fork, radius * 0.72, left - length);
      grow(px, py, heading - fork * random.between(0.7, 1.2), radius * 0.68, left - length);
    };
    const hx = side * 0.21;
    const hy = hilum - (side > 0 ? 0.06 : 0);
    for (let k = 0; k < 4; k++) {
      const [dx, dy] = [random.between(-0.02, 0.05), random.between(-0.09, 0.13)];
      ellipsoid(field, {
        x: hx + side * dx,
        y: hy + dy,
        rx: random.between(0.05, 0.075),
        ry: random.between(0.06, 0.1),
        angle: random.between(-0.6, 0.6),
        density: 0.055,
      });
    }
    for (const angle of [-1.4, -1.12, -0.82, -0.5, -0.2, 0.1, 0.4, 0.68, 0.92, 1.12, 1.32]) {
      const reach = (angle > 0.5 ? 1.25 : 0.95) * random.between(0.85, 1.02);
      const radius = (angle > 0.5 ? 0.027 : 0.02) * random.between(0.85, 1.1);
      grow(hx, hy + 0.06 * angle, angle + random.between(-0.12, 0.12), radius, reach);
    }
    tubes(field, lines, 0.085, solid);
  }
}
