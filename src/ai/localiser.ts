import { type EngineOptions, type Network, openNetwork } from './engine/network.ts';
import type { ModelFolder } from './folder.ts';
import type { PictureBox } from './reading.ts';
import { type Raster, resample } from './resample.ts';
import { normalise } from './tensor.ts';

/** Where the thorax is, and whether the place is believed. */
export interface Thorax {
  readonly box: PictureBox;
  readonly believed: boolean;
}

/** Finds the thorax in trimmed films (training/PREPROCESSING.md section 4). */
export interface Localiser {
  find(pictures: readonly Raster[]): Promise<Thorax[]>;
  close(): Promise<void>;
}

/** The box of a film in which no thorax was found: the middle of it. */
const MARGIN = 0.07;
/** A believable thorax: its sides and the place of its centre, as shares of the trimmed film's sides. */
const SMALLEST = 0.3;
const CENTRE = [0.1, 0.9] as const;
/** The largest side where the manifest names none: what the models up to 1.2.0 were made with. */
const LARGEST = 1.6;

/** The localiser of a model folder; a model without one always takes the middle of the film. */
export async function openLocaliser(folder: ModelFolder, options: EngineOptions): Promise<Localiser> {
  const { framing, contrast } = folder.manifest.input;
  if (framing.localiser === undefined || folder.localiser === undefined) {
    return {
      find: async (pictures) => pictures.map((picture) => ({ box: middle(picture), believed: true })),
      close: async () => {},
    };
  }
  const { width, height, enlarge, largest = LARGEST } = framing.localiser;
  const network: Network<'box'> = await openNetwork(
    {
      bytes: folder.localiser,
      input: { name: 'window', shape: [1, height, width] },
      outputs: { box: { shape: [4] } },
      // Four small layers: a second thread costs more than it brings.
      inPlace: true,
    },
    { ...options, threads: 1 },
  );
  const look = async (pictures: readonly Raster[], windows: readonly PictureBox[]) => {
    const inputs = new Float32Array(pictures.length * width * height);
    pictures.forEach((picture, i) => {
      const window = resample(picture, windows[i] as PictureBox, width, height);
      inputs.set(normalise(window, contrast), i * width * height);
    });
    const { box } = await network.run(inputs, pictures.length);
    return windows.map((window, i) => within(window, box.subarray(i * 4, i * 4 + 4)));
  };
  return {
    async find(pictures) {
      const first = await look(pictures, pictures.map(whole));
      const second = await look(
        pictures,
        first.map((box) => enlarged(box, enlarge)),
      );
      return pictures.map((picture, i) => {
        const believed = [first[i], second[i]].every(
          (box) => box !== undefined && plausible(picture, box, largest),
        );
        return believed ? { box: second[i] as PictureBox, believed } : { box: middle(picture), believed };
      });
    },
    close: () => network.close(),
  };
}

function whole({ width, height }: Raster): PictureBox {
  return { x0: 0, y0: 0, x1: width, y1: height };
}

function middle({ width, height }: Raster): PictureBox {
  return { x0: MARGIN * width, y0: MARGIN * height, x1: (1 - MARGIN) * width, y1: (1 - MARGIN) * height };
}

/** Eighths of a pixel: engines differ in the last digits of a float, and the same film shall give the same tensor. */
const GRID = 8;
const onGrid = (edge: number) => Math.round(edge * GRID) / GRID;

/** A box given as left, top, right, bottom in fractions of a window, in the window's coordinates, on the grid. */
function within(window: PictureBox, fractions: Float32Array): PictureBox {
  const [left = 0, top = 0, right = 0, bottom = 0] = fractions;
  const width = window.x1 - window.x0;
  const height = window.y1 - window.y0;
  return {
    x0: onGrid(window.x0 + left * width),
    y0: onGrid(window.y0 + top * height),
    x1: onGrid(window.x0 + right * width),
    y1: onGrid(window.y0 + bottom * height),
  };
}

function enlarged({ x0, y0, x1, y1 }: PictureBox, factor: number): PictureBox {
  const x = (x0 + x1) / 2;
  const y = (y0 + y1) / 2;
  const across = ((x1 - x0) * factor) / 2;
  const down = ((y1 - y0) * factor) / 2;
  return { x0: x - across, y0: y - down, x1: x + across, y1: y + down };
}

function plausible({ width, height }: Raster, { x0, y0, x1, y1 }: PictureBox, largest: number): boolean {
  return axis(x0, x1, width, largest) && axis(y0, y1, height, largest);
}

function axis(from: number, to: number, length: number, largest: number): boolean {
  const side = (to - from) / length;
  const centre = (from + to) / 2 / length;
  return side >= SMALLEST && side <= largest && centre >= CENTRE[0] && centre <= CENTRE[1];
}
