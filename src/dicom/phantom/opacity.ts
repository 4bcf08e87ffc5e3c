import { ellipsoid, emptyField, type Field, hills, solid, step, tube, tubes } from './field.ts';
import type { Chance } from './random.ts';

/**
 * Adds what displaces air in diseased lungs. `bacterial`: one lobe filled, with air still in its bronchi.
 * `viral`: thickened interstitium on both sides, streaks from the hila, cuffs round the bronchi, no lobe
 * filled.
 */
export function lungOpacity(
  field: Field,
  {
    finding,
    lungHeight,
    random,
  }: { finding: 'normal' | 'bacterial' | 'viral'; lungHeight: number; random: Chance },
): void {
  if (finding === 'bacterial') fillLobe(field, lungHeight, random);
  if (finding === 'viral') thickenInterstitium(field, lungHeight, random);
}

const LOBES = [
  { name: 'right upper', x: -0.5, y: 0.33, rx: 0.36, ry: 0.24, edge: 'below' },
  { name: 'right middle', x: -0.45, y: 0.72, rx: 0.38, ry: 0.2, edge: 'above' },
  { name: 'right lower', x: -0.58, y: 0.84, rx: 0.36, ry: 0.28, edge: 'none' },
  { name: 'left lower', x: 0.58, y: 0.84, rx: 0.34, ry: 0.28, edge: 'none' },
  { name: 'left upper', x: 0.48, y: 0.36, rx: 0.36, ry: 0.26, edge: 'none' },
] as const;

function fillLobe(field: Field, lungHeight: number, random: Chance): void {
  const lobe = LOBES[Math.floor(random.next() * LOBES.length)] ?? LOBES[0];
  const cloud = hills(field, random, 0.24, 5);
  const cx = lobe.x + random.between(-0.05, 0.05);
  const cy = lobe.y * lungHeight + random.between(-0.04, 0.04);
  const rx = lobe.rx * random.between(0.9, 1.15);
  const ry = lobe.ry * lungHeight * random.between(0.9, 1.1);
  const filled = emptyField(field.width, field.height, field);
  ellipsoid(filled, { x: cx, y: cy, rx: rx * 1.5, ry: ry * 1.5, density: 1, softness: 1 });
  const bronchi = emptyField(field.width, field.height, field);
  const side = Math.sign(cx);
  const lines = Array.from({ length: 7 }, () => {
    const toX = cx + random.between(-0.6, 0.7) * rx;
    const toY = cy + random.between(-0.75, 0.75) * ry;
    const fromY = 0.52 * lungHeight;
    return [
      { x: side * 0.24, y: fromY, radius: 0.017 },
      { x: (side * 0.24 + toX) / 2, y: (fromY + toY) / 2 + random.between(-0.05, 0.05), radius: 0.013 },
      { x: toX, y: toY, radius: 0.006, density: 0.4 },
    ];
  });
  tubes(bronchi, lines, 0.42, solid);
  const fissure = lobe.edge === 'below' ? cy + 0.62 * ry : lobe.edge === 'above' ? cy - 0.5 * ry : Number.NaN;
  let at = 0;
  for (let row = 0; row < field.height; row++) {
    const y = (row + 0.5 - field.top) / field.scale;
    for (let column = 0; column < field.width; column++, at++) {
      const depth = filled.values[at] ?? 0;
      if (depth <= 0.02) continue;
      const x = (column + 0.5 - field.left) / field.scale;
      const line = fissure + 0.05 * (x - cx);
      const within =
        lobe.edge === 'below'
          ? step(line + 0.012, line - 0.012, y)
          : lobe.edge === 'above'
            ? step(line - 0.012, line + 0.012, y)
            : 1;
      const patchy = step(0.05, 0.8, depth + 0.2 * cloud(x, y)) * (1 - (bronchi.values[at] ?? 0));
      field.values[at] = (field.values[at] ?? 0) + 0.46 * patchy * within * (0.85 + 0.1 * cloud(x + 3, y));
    }
  }
}

function thickenInterstitium(field: Field, lungHeight: number, random: Chance): void {
  const net = hills(field, random, 0.055, 3);
  const spread = hills(field, random, 0.5, 2);
  const hilum = 0.5 * lungHeight;
  for (const side of [-1, 1]) {
    for (let streak = 0; streak < 80; streak++) {
      const angle = random.between(-1.45, 1.45);
      const start = random.between(0.02, 0.3);
      const length = random.between(0.15, 0.42);
      const at = (r: number, bend: number) => ({
        x: side * (0.2 + r * Math.cos(angle + bend)),
        y: hilum + r * Math.sin(angle + bend),
      });
      const bend = random.between(-0.22, 0.22);
      tube(
        field,
        [
          { ...at(start, 0), radius: 0.011 },
          { ...at(start + length / 2, bend), radius: 0.009 },
          { ...at(start + length, 0), radius: 0.006 },
        ],
        random.between(0.025, 0.06),
        solid,
      );
    }
    for (let cuff = 0; cuff < 9; cuff++) {
      const angle = random.between(-1.3, 1.3);
      const r = random.between(0.08, 0.3);
      const ring = { x: side * (0.2 + r * Math.cos(angle)), y: hilum + r * Math.sin(angle) };
      ellipsoid(field, { ...ring, rx: 0.032, ry: 0.029, density: 0.075 });
      ellipsoid(field, { ...ring, rx: 0.019, ry: 0.017, density: -0.1 });
    }
  }
  let index = 0;
  for (let row = 0; row < field.height; row++) {
    const y = (row + 0.5 - field.top) / field.scale;
    for (let column = 0; column < field.width; column++, index++) {
      const x = (column + 0.5 - field.left) / field.scale;
      const away = Math.hypot((Math.abs(x) - 0.3) / 0.55, (y - hilum) / (0.75 * lungHeight));
      const share = Math.max(0, 1 - away) * (1 + 0.4 * spread(x, y));
      const ridge = (1 - Math.min(1, Math.abs(net(x, y)))) ** 2;
      field.values[index] =
        (field.values[index] ?? 0) + share * (0.07 + 0.06 * ridge + 0.05 * Math.max(0, net(x + 5, y)));
    }
  }
}
