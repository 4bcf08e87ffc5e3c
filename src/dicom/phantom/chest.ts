import {
  block,
  ellipsoid,
  emptyField,
  type Field,
  hills,
  hollow,
  paint,
  solid,
  step,
  type TubePoint,
  tube,
  tubes,
} from './field.ts';
import { lungOpacity } from './opacity.ts';
import type { Chance } from './random.ts';

/** What the film shows in the lungs. */
export type Finding = 'normal' | 'bacterial' | 'viral';

/** The measures in which a child's chest differs from an adult's, in halves of the inner thoracic width. */
export interface Build {
  /** From the apex of the lungs to the top of the right dome. */
  readonly lungHeight: number;
  /** How far the costophrenic angles lie below the domes. */
  readonly recess: number;
  /** How far a rib's front end lies below its back end. */
  readonly ribDrop: number;
  readonly ribRadius: number;
  readonly ribSpacing: number;
  readonly chestWall: number;
  readonly heart: number;
  /** Half width of the upper mediastinum (a small child's thymus). */
  readonly upperMediastinum: number;
  readonly knob: number;
  readonly vertebra: number;
  /** Direction of the upper arms from the shoulder: x outwards, y down. */
  readonly arm: readonly [number, number];
  /** Densities of bone against soft tissue grow with age. */
  readonly bone: number;
}

export const ADULT: Build = {
  lungHeight: 1.72,
  recess: 0.36,
  ribDrop: 0.62,
  ribRadius: 0.05,
  ribSpacing: 0.178,
  chestWall: 0.17,
  heart: 0.86,
  upperMediastinum: 0.15,
  knob: 0.115,
  vertebra: 0.135,
  arm: [0.42, 0.9],
  bone: 1,
};

export const CHILD: Build = {
  lungHeight: 1.3,
  recess: 0.26,
  ribDrop: 0.36,
  ribRadius: 0.042,
  ribSpacing: 0.148,
  chestWall: 0.15,
  heart: 1,
  upperMediastinum: 0.22,
  knob: 0.05,
  vertebra: 0.125,
  arm: [0.85, -0.35],
  bone: 0.8,
};

/** Air in the lungs along the beam at a place, 0 outside of them. */
export type Air = (x: number, y: number) => number;

/**
 * The beam's weakening by a chest seen from the front; the patient's left is on the picture's right. The
 * origin is the middle of the body at the height of the lungs' apices.
 */
export function frontalChest(
  size: { width: number; height: number },
  build: Build,
  finding: Finding,
  random: Chance,
): Field {
  const field = emptyField(size.width, size.height, placeOf(size, build, random));
  const lung = lungs(build, random);
  const soft = bodyShadow(build, random);
  const inLung = emptyField(size.width, size.height, field);
  drawVessels(inLung, build, random);
  lungOpacity(inLung, { finding, lungHeight: build.lungHeight, random });
  const heart = heartShadow(build, random);
  const grain = hills(field, random, 0.09, 3);
  const bones = emptyField(size.width, size.height, field);
  drawRibs(bones, build, random);
  drawShoulders(bones, build, random);
  drawSpine(bones, build);

  let at = 0;
  paint(field, (x, y) => {
    const air = lung(x, y);
    const filled = air <= 0 ? 0 : heart(x, y) + (inLung.values[at] ?? 0) + 0.012 * grain(x, y);
    const value = soft(x, y) - Math.max(0, air - filled) + build.bone * (bones.values[at] ?? 0);
    at++;
    return value;
  });
  drawAirways(field, build);
  drawAbdomen(field, build, random);
  return field;
}

function placeOf(
  { width, height }: { width: number; height: number },
  build: Build,
  random: Chance,
): { scale: number; left: number; top: number } {
  const across = 2.5;
  const down = build.lungHeight + build.recess + 0.62;
  const scale = Math.min(width / across, height / down) * random.between(0.95, 1.03);
  const spare = height - down * scale;
  return {
    scale,
    left: width * random.between(0.485, 0.515),
    top: 0.34 * scale + spare * random.between(0.3, 0.5),
  };
}

/** Soft tissue along the beam: neck, shoulders, chest wall, abdomen. */
function bodyShadow(build: Build, random: Chance): Air {
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

/** Half the inner width of the rib cage at a share of the lungs' height. */
function thoraxHalf(u: number): number {
  const rise = Math.min(1, Math.max(0, u / 0.68));
  return 0.35 + 0.63 * (1 - (1 - rise) ** 2) ** 0.75 + 0.03 * step(0.6, 1.1, u);
}

/** Lungs as a stack of chords: each row from the mediastinum to the ribs, closed by the domes of the diaphragm. */
export function lungs(build: Build, random: Chance): Air {
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
function heartShadow(build: Build, random: Chance): Air {
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
function drawVessels(field: Field, build: Build, random: Chance): void {
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

/** How far each rib goes round, in half circles: the last ones float, the first seven reach the front. */
const RIB_ENDS = [0.8, 0.82, 0.83, 0.83, 0.83, 0.82, 0.8, 0.74, 0.67, 0.6, 0.47, 0.4];

/** Twelve pairs of ribs: from the spine outwards and down behind, round the wall, inwards and down in front. */
function drawRibs(field: Field, build: Build, random: Chance): void {
  const { lungHeight: height, ribDrop, ribRadius, ribSpacing } = build;
  for (let rib = 0; rib < 12; rib++) {
    for (const side of [-1, 1]) {
      const start = -0.03 + rib * ribSpacing + random.between(-0.008, 0.008);
      const level = (start + 0.35 * ribDrop) / height;
      const reach = thoraxHalf(level) * 1.02 + 0.02 - (rib > 9 ? 0.2 * (rib - 9) : 0);
      const drop = ribDrop * (0.5 + 0.5 * Math.min(1, (rib + 1) / 4)) * random.between(0.97, 1.03);
      const last = RIB_ENDS[rib] ?? 0.4;
      const points: TubePoint[] = [];
      for (let k = 0; k <= 40; k++) {
        const turn = Math.PI * last * (k / 40);
        const wrap = (1 - Math.cos(turn)) / 2;
        const front = step(0.45, 0.6, turn / Math.PI);
        const slope = wrap ** 1.15 + 0.22 * front * (wrap - 0.5);
        points.push({
          x: side * (0.1 + (reach - 0.1) * Math.sin(turn) ** 0.9),
          y: start - 0.035 * Math.sin(turn * 1.6) * (1 - front) + drop * slope,
          radius: ribRadius * (rib === 0 ? 0.9 : 1) * (0.82 + 0.25 * wrap),
          density: (1 - 0.45 * front) * (1 - step(0.86, 1, k / 40)) * (0.6 + 0.4 * step(0, 0.12, k / 40)),
        });
      }
      tube(field, points, 0.135, hollow);
    }
  }
}

/** Clavicles, shoulder blades, the heads and shafts of the upper arms. */
function drawShoulders(field: Field, build: Build, random: Chance): void {
  const height = build.lungHeight;
  for (const side of [-1, 1]) {
    const lift = random.between(-0.015, 0.015);
    const clavicle: TubePoint[] = [];
    for (let k = 0; k <= 24; k++) {
      const t = k / 24;
      clavicle.push({
        x: side * (0.09 + 0.93 * t),
        y: 0.2 + lift - 0.2 * t + 0.05 * Math.sin(2 * Math.PI * t) * -1,
        radius: 0.04 + 0.022 * (1 - t) ** 3 + 0.008 * t ** 3,
      });
    }
    tube(field, clavicle, 0.2, hollow);

    const blade = height * 0.5;
    const edge: TubePoint[] = [
      { x: side * 1.1, y: 0.16, radius: 0.05 },
      { x: side * 1.0, y: 0.34, radius: 0.036 },
      { x: side * 0.93, y: 0.3 + 0.7 * blade, radius: 0.026 },
      { x: side * 0.88, y: 0.3 + blade, radius: 0.022 },
    ];
    tube(field, edge, 0.11, solid);
    tube(
      field,
      [
        { x: side * 0.62, y: 0.22, radius: 0.016 },
        { x: side * 0.68, y: 0.55, radius: 0.016 },
        { x: side * 0.88, y: 0.3 + blade, radius: 0.02 },
      ],
      0.05,
      solid,
    );
    ellipsoid(field, {
      x: side * 0.86,
      y: 0.3 + 0.4 * blade,
      rx: 0.16,
      ry: 0.5 * blade,
      angle: side * 0.2,
      density: 0.045,
      softness: 0.15,
    });
    tube(
      field,
      [
        { x: side * 0.66, y: 0.2, radius: 0.02 },
        { x: side * 0.95, y: 0.08, radius: 0.035 },
        { x: side * 1.17, y: 0.01, radius: 0.05 },
      ],
      0.13,
      solid,
    );

    const [ax, ay] = build.arm;
    const headX = 1.2;
    const headY = 0.13;
    ellipsoid(field, { x: side * headX, y: headY, rx: 0.12, ry: 0.125, density: 0.15, softness: 0.35 });
    tube(
      field,
      [
        { x: side * headX, y: headY, radius: 0.2, density: 0.7 },
        { x: side * (headX + ax * 0.5), y: headY + ay * 0.5, radius: 0.19 },
        { x: side * (headX + ax * 1.3), y: headY + ay * 1.3, radius: 0.17 },
      ],
      0.3,
      solid,
    );
    tube(
      field,
      [
        { x: side * headX, y: headY, radius: 0.105 },
        { x: side * (headX + ax * 0.25), y: headY + ay * 0.25, radius: 0.066 },
        { x: side * (headX + ax * 1.3), y: headY + ay * 1.3, radius: 0.058 },
      ],
      0.28,
      hollow,
    );
  }
}

/** Vertebral bodies with their discs, pedicles and spinous processes, from the neck to the loins. */
function drawSpine(field: Field, build: Build): void {
  const bottom = (field.height - field.top) / field.scale;
  for (let y = -0.7; y < bottom; ) {
    const grown = step(-0.4, 2, y);
    const pitch = build.ribSpacing * (0.82 + 0.35 * grown);
    const half = build.vertebra * (0.72 + 0.36 * grown);
    block(field, { x: 0, y, rx: half, ry: pitch * 0.42, density: 0.075 });
    for (const side of [-1, 1]) {
      ellipsoid(field, {
        x: side * half * 0.6,
        y: y - 0.01,
        rx: 0.024,
        ry: 0.036,
        density: 0.05,
        softness: 0.25,
      });
      ellipsoid(field, { x: side * half * 0.6, y: y - 0.01, rx: 0.014, ry: 0.024, density: -0.04 });
      tube(
        field,
        [
          { x: side * half * 0.7, y: y - 0.02, radius: 0.03 },
          { x: side * half * 1.35, y: y - 0.035, radius: 0.026 },
          { x: side * half * 1.7, y: y - 0.045, radius: 0.03 },
        ],
        0.04,
        solid,
      );
    }
    ellipsoid(field, { x: 0, y: y + pitch * 0.4, rx: 0.02, ry: 0.05, density: 0.05, softness: 0.3 });
    y += pitch;
  }
}

/** Trachea and main bronchi: air in front of the spine. */
function drawAirways(field: Field, build: Build): void {
  const fork = 0.36 * build.lungHeight;
  tube(
    field,
    [
      { x: 0, y: -0.7, radius: 0.07 },
      { x: 0, y: 0, radius: 0.072 },
      { x: -0.02, y: fork, radius: 0.066 },
    ],
    -0.17,
    solid,
  );
  tube(
    field,
    [
      { x: -0.02, y: fork, radius: 0.055 },
      { x: -0.2, y: fork + 0.17, radius: 0.045 },
    ],
    -0.08,
    solid,
  );
  tube(
    field,
    [
      { x: -0.02, y: fork, radius: 0.05 },
      { x: 0.22, y: fork + 0.14, radius: 0.04 },
    ],
    -0.08,
    solid,
  );
}

/** The stomach's air under the left dome and some gas in the bowel. */
function drawAbdomen(field: Field, build: Build, random: Chance): void {
  const dome = build.lungHeight * 1.04;
  ellipsoid(field, {
    x: random.between(0.38, 0.5),
    y: dome + random.between(0.17, 0.21),
    rx: random.between(0.16, 0.24),
    ry: random.between(0.09, 0.12),
    angle: -0.25,
    density: -random.between(0.2, 0.3),
    softness: 0.35,
  });
  for (let loop = 0; loop < 7; loop++) {
    ellipsoid(field, {
      x: random.between(-0.5, 0.85),
      y: dome + build.recess + random.between(0.2, 0.6),
      rx: random.between(0.05, 0.14),
      ry: random.between(0.04, 0.08),
      angle: random.between(-1, 1),
      density: -random.between(0.06, 0.16),
    });
  }
}
