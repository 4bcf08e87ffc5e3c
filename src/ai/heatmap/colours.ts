/** Red, green, blue, each 0..255. */
export type Rgb = readonly [number, number, number];

const STEPS = 256;
/**
 * Stops of the colour scale in OKLCH (Ottosson 2020: lightness, chroma, hue in degrees): from violet over
 * red and orange to light yellow. Lightness rises evenly, so that the order of the colours is seen by
 * colour-blind readers and on grey paper too; no rainbow, whose false edges look like structure.
 */
const STOPS: readonly (readonly [number, number, number])[] = [
  [0.34, 0.17, 295],
  [0.48, 0.2, 350],
  [0.62, 0.21, 30],
  [0.76, 0.17, 65],
  [0.93, 0.13, 105],
];

const TABLE: readonly Rgb[] = Array.from({ length: STEPS }, (_, i) => colourAt(i / (STEPS - 1)));

/** Colour of a value 0..1. */
export function colourOf(value: number): Rgb {
  return TABLE[Math.round(Math.min(Math.max(value, 0), 1) * (STEPS - 1))] as Rgb;
}

/**
 * Share of the colour over the film for a value 0..1: nothing where there is little activation, and never so
 * much that the film below cannot be read.
 */
export function opacityOf(value: number): number {
  const rise = Math.min(Math.max((value - 0.12) / 0.5, 0), 1);
  return 0.5 * rise * rise * (3 - 2 * rise);
}

function colourAt(value: number): Rgb {
  const at = value * (STOPS.length - 1);
  const below = Math.min(Math.floor(at), STOPS.length - 2);
  const share = at - below;
  const from = STOPS[below] as readonly [number, number, number];
  const to = STOPS[below + 1] as readonly [number, number, number];
  const turn = ((to[2] - from[2] + 540) % 360) - 180;
  return fromOklch(
    from[0] + (to[0] - from[0]) * share,
    from[1] + (to[1] - from[1]) * share,
    from[2] + turn * share,
  );
}

/** OKLCH to sRGB; colours outside of sRGB are cut to it. */
function fromOklch(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encoded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** Linear light to an sRGB byte (IEC 61966-2-1). */
function encoded(linear: number): number {
  const light = Math.min(Math.max(linear, 0), 1);
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
}
