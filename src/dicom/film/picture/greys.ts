/** The greys of a picture, row-major, and how far it is from being grey. */
export interface Greys {
  readonly samples: Uint8Array | Uint16Array;
  /** Pixels whose channels lie far apart. */
  readonly coloured: number;
}

/** Channels further apart than this, of 255, are colour. */
const GREY_TOLERANCE = 24;

/**
 * One grey a pixel: luma (ITU-R BT.601) of three channels, over black where there is transparency.
 * @param cells interleaved: grey, grey and opacity, red green blue, or red green blue and opacity.
 */
export function greysOf(cells: Uint8Array | Uint16Array, channels: 1 | 2 | 3 | 4): Greys {
  if (channels === 1) return { samples: cells, coloured: 0 };
  const pixels = Math.floor(cells.length / channels);
  const deep = cells instanceof Uint16Array;
  const samples = deep ? new Uint16Array(pixels) : new Uint8Array(pixels);
  const most = deep ? 65_535 : 255;
  const tolerance = deep ? GREY_TOLERANCE * 257 : GREY_TOLERANCE;
  const transparent = channels % 2 === 0;
  const colours = channels >= 3;
  let coloured = 0;
  for (let i = 0, at = 0; i < pixels; i++, at += channels) {
    const opacity = transparent ? (cells[at + channels - 1] as number) : most;
    const over = (value: number) => (opacity === most ? value : Math.floor((value * opacity) / most));
    const red = over(cells[at] as number);
    if (!colours) {
      samples[i] = red;
      continue;
    }
    const green = over(cells[at + 1] as number);
    const blue = over(cells[at + 2] as number);
    if (Math.max(red, green, blue) - Math.min(red, green, blue) > tolerance) coloured += 1;
    samples[i] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  }
  return { samples, coloured };
}
