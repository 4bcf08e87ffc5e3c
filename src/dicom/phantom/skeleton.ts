import { type Build, thoraxHalf } from './build.ts';
import { block, ellipsoid, type Field, hollow, solid, step, type TubePoint, tube } from './field.ts';
import type { Chance } from './random.ts';

/** How far each rib goes round, in half circles: the last ones float, the first seven reach the front. */
const RIB_ENDS = [0.8, 0.82, 0.83, 0.83, 0.83, 0.82, 0.8, 0.74, 0.67, 0.6, 0.47, 0.4];

/** Twelve pairs of ribs: from the spine outwards and down behind, round the wall, inwards and down in front. */
export function drawRibs(field: Field, build: Build, random: Chance): void {
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
export function drawShoulders(field: Field, build: Build, random: Chance): void {
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
export function drawSpine(field: Field, build: Build): void {
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
