import type { Build } from './build.ts';
import { ellipsoid, emptyField, type Field, hills, paint, solid, tube } from './field.ts';
import { lungOpacity } from './opacity.ts';
import type { Chance } from './random.ts';
import { drawRibs, drawShoulders, drawSpine } from './skeleton.ts';
import { bodyShadow, drawVessels, heartShadow, lungs } from './thorax.ts';

/** What the film shows in the lungs. */
export type Finding = 'normal' | 'bacterial' | 'viral';

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
