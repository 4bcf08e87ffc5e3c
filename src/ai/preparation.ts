import { type Cells, cellsShown } from './cells.ts';
import type { EngineOptions } from './engine/network.ts';
import type { ModelFolder } from './folder.ts';
import { cut, trim } from './framing.ts';
import { openLocaliser, type Thorax } from './localiser.ts';
import type { PictureBox } from './reading.ts';
import { type Raster, resample } from './resample.ts';
import { normalise } from './tensor.ts';

/** A picture made ready for the network. */
export interface Prepared {
  /** [height, width] float32 in [0,1]. */
  readonly tensor: Float32Array;
  /** The part of the picture that the tensor shows; it may reach beyond the picture. */
  readonly box: PictureBox;
  /** False when the thorax was not found and the middle of the film was taken. */
  readonly framed: boolean;
  /** How much of the box lies on the film, cell by cell; outside of it the film's edge is repeated. */
  readonly cells: Cells;
}

/** Film to tensor as the model's manifest describes it (training/PREPROCESSING.md). */
export interface Preparation {
  prepare(pictures: readonly Raster[]): Promise<Prepared[]>;
  close(): Promise<void>;
}

/**
 * The preparation of a model: near-uniform borders are cut, the thorax is found, its box is squashed to the
 * network's input, and brightness and contrast are made the same for all films.
 */
export async function openPreparation(folder: ModelFolder, options: EngineOptions): Promise<Preparation> {
  const { input } = folder.manifest;
  const localiser = await openLocaliser(folder, options);
  return {
    close: () => localiser.close(),
    async prepare(pictures) {
      const borders = pictures.map((picture) => trim(picture, input.framing.trim));
      const trimmed = pictures.map((picture, i) => cut(picture, borders[i] as PictureBox));
      const found = await localiser.find(trimmed);
      return trimmed.map((picture, i) => {
        const { box, believed } = found[i] as Thorax;
        const { x0, y0 } = borders[i] as PictureBox;
        return {
          tensor: normalise(resample(picture, box, input.width, input.height), input.contrast),
          box: { x0: box.x0 + x0, y0: box.y0 + y0, x1: box.x1 + x0, y1: box.y1 + y0 },
          framed: believed,
          cells: cellsShown(picture, box),
        };
      });
    },
  };
}
