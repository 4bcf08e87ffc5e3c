import { ellipsoid, emptyField, type Field, hollow, solid, type TubePoint, tube, tubes } from './field.ts';
import type { Chance } from './random.ts';

/** Films that are no chest: what selection and the applicability check have to keep away from the model. */

type Size = { readonly width: number; readonly height: number };

/** Direction of each ray from the wrist in radians off the vertical, length of its metacarpal, thumb first. */
const RAYS = [
  { angle: -0.85, metacarpal: 0.42, phalanges: [0.3, 0.22] },
  { angle: -0.24, metacarpal: 0.64, phalanges: [0.4, 0.24, 0.17] },
  { angle: -0.04, metacarpal: 0.63, phalanges: [0.44, 0.28, 0.18] },
  { angle: 0.15, metacarpal: 0.58, phalanges: [0.41, 0.27, 0.18] },
  { angle: 0.36, metacarpal: 0.53, phalanges: [0.33, 0.2, 0.16] },
] as const;

/** A hand from the front, fingers up; the unit is the breadth of the palm. */
export function hand(size: Size, random: Chance): Field {
  const scale = Math.min(size.width / 2.4, size.height / 2.9);
  const field = emptyField(size.width, size.height, { scale, left: size.width / 2, top: 0.68 * size.height });
  const flesh: TubePoint[][] = [];
  const bones: TubePoint[][] = [];
  RAYS.forEach(({ angle, metacarpal, phalanges }, ray) => {
    const heading = angle + random.between(-0.03, 0.03);
    const [dx, dy] = [Math.sin(heading), -Math.cos(heading)];
    let x = 0.3 * Math.sin(angle * 1.5);
    let y = ray === 0 ? 0.05 : -0.02;
    const skin: TubePoint[] = [{ x, y, radius: 0.16 }];
    [metacarpal, ...phalanges].forEach((length, bone) => {
      const radius = 0.052 - 0.008 * bone;
      const at = (t: number, r: number) => ({ x: x + dx * length * t, y: y + dy * length * t, radius: r });
      bones.push([
        at(0.06 + radius / length, radius * 1.25),
        at(0.3, radius * 0.8),
        at(0.75, radius * 0.8),
        at(0.95 - radius / length, radius * 1.15),
      ]);
      x += dx * length;
      y += dy * length;
      skin.push({ x, y, radius: 0.125 - 0.018 * bone });
    });
    flesh.push(skin);
  });
  flesh.push([
    { x: 0, y: -0.3, radius: 0.36 },
    { x: 0, y: 0.15, radius: 0.3 },
    { x: 0, y: 1.4, radius: 0.3 },
  ]);
  tubes(field, flesh, 0.32, solid);
  tubes(field, bones, 0.4, hollow);
  for (let carpal = 0; carpal < 8; carpal++) {
    const x = 0.12 * ((carpal % 4) - 1.5) + random.between(-0.015, 0.015);
    const y = 0.09 + 0.13 * Math.floor(carpal / 4);
    ellipsoid(field, { x, y, rx: 0.075, ry: 0.075, density: 0.26, softness: 0.3 });
  }
  tube(
    field,
    [
      { x: -0.1, y: 0.36, radius: 0.14 },
      { x: -0.1, y: 0.6, radius: 0.08 },
      { x: -0.1, y: 1.5, radius: 0.075 },
    ],
    0.45,
    hollow,
  );
  tube(
    field,
    [
      { x: 0.15, y: 0.38, radius: 0.075 },
      { x: 0.15, y: 0.6, radius: 0.06 },
      { x: 0.15, y: 1.5, radius: 0.06 },
    ],
    0.4,
    hollow,
  );
  return field;
}

/** A skull from the front; the unit is half its breadth. */
export function skull(size: Size, random: Chance): Field {
  const scale = Math.min(size.width / 2.7, size.height / 3.5);
  const field = emptyField(size.width, size.height, { scale, left: size.width / 2, top: 0.42 * size.height });
  ellipsoid(field, { x: 0, y: -0.25, rx: 1.03, ry: 1.1, density: 0.45 });
  ellipsoid(field, { x: 0, y: -0.27, rx: 0.96, ry: 1.02, density: 0.6, softness: 0.2 });
  ellipsoid(field, { x: 0, y: -0.27, rx: 0.89, ry: 0.95, density: -0.42, softness: 0.2 });
  ellipsoid(field, { x: 0, y: 0.55, rx: 0.74, ry: 0.85, density: 0.4 });
  tube(
    field,
    [
      { x: 0, y: 0.7, radius: 0.5 },
      { x: 0, y: 2.4, radius: 0.52 },
    ],
    0.3,
    solid,
  );
  const jaw = Array.from({ length: 21 }, (_, k) => {
    const turn = Math.PI * (k / 20);
    return { x: 0.68 * Math.cos(turn), y: 0.55 + 0.72 * Math.sin(turn) ** 0.8, radius: 0.1 };
  });
  tube(field, jaw, 0.3, hollow);
  for (const side of [-1, 1]) {
    const x = side * 0.4;
    ellipsoid(field, { x, y: 0.02, rx: 0.29, ry: 0.25, density: 0.3, softness: 0.2 });
    ellipsoid(field, { x, y: 0.02, rx: 0.25, ry: 0.21, density: -0.5, softness: 0.3 });
    ellipsoid(field, { x: side * 0.42, y: 0.47, rx: 0.17, ry: 0.17, density: -0.22, softness: 0.3 });
    ellipsoid(field, { x: side * random.between(0.16, 0.2), y: -0.32, rx: 0.14, ry: 0.1, density: -0.07 });
    tube(
      field,
      [
        { x: side * 0.3, y: 0.2, radius: 0.05 },
        { x: side * 0.85, y: 0.28, radius: 0.06 },
      ],
      0.2,
      solid,
    );
    for (let tooth = 0; tooth < 6; tooth++) {
      const tx = side * (0.05 + 0.075 * tooth);
      for (const [from, to] of [
        [0.76, 0.9],
        [0.93, 1.07],
      ] as const) {
        const drop = 0.006 * tooth * tooth;
        tube(
          field,
          [
            { x: tx, y: from - drop, radius: 0.03 },
            { x: tx, y: to - drop, radius: 0.03 },
          ],
          0.3,
          solid,
        );
      }
    }
  }
  ellipsoid(field, { x: 0, y: 0.42, rx: 0.13, ry: 0.26, density: -0.3, softness: 0.3 });
  tube(
    field,
    [
      { x: 0.01, y: 0.2, radius: 0.02 },
      { x: -0.01, y: 0.64, radius: 0.02 },
    ],
    0.2,
    solid,
  );
  return field;
}
