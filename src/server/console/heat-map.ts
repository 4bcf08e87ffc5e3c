import { explainedLabel } from '../../ai/explain.ts';
import { type Heatmap, heatmapFrame } from '../../ai/heatmap/heatmap.ts';
import { LEGEND_LANGUAGES } from '../../ai/heatmap/legend.ts';
import type { Reading } from '../../ai/reading.ts';
import { items, number, text } from '../../dicom/dataset.ts';
import type { GrayPicture } from '../../dicom/film/film.ts';
import { parseDicom } from '../../dicom/film/parse.ts';
import { DeepHealthError } from '../../errors/error.ts';

/** A heat map as it was stored. */
export interface StoredHeatmap {
  readonly width: number;
  readonly height: number;
  /** Row-major, three bytes a pixel. */
  readonly rgb: Uint8Array;
  /** SOP Instance UID of the film it was made of. */
  readonly filmUid: string | undefined;
  /** The film says that text is burned in, which may name the patient. */
  readonly burnedIn: boolean;
}

/**
 * Takes a heat map of ours apart (Secondary Capture, PS3.3 A.8.1).
 * @throws DeepHealthError `file.*`; `pixel.truncated` when its pixels are not what the header says
 */
export async function readHeatmap(file: Uint8Array): Promise<StoredHeatmap> {
  const { dataset, pixelField } = await parseDicom(file);
  const width = number(dataset, '00280011') ?? 0;
  const height = number(dataset, '00280010') ?? 0;
  const length = width * height * 3;
  if (pixelField?.kind !== 'native' || length === 0 || pixelField.field.length < length) {
    throw new DeepHealthError('pixel.truncated');
  }
  const [source] = items(dataset, '00082112');
  return {
    width,
    height,
    rgb: pixelField.field.subarray(0, length),
    filmUid: source && text(source, '00081155'),
    burnedIn: text(dataset, '00280301') === 'YES',
  };
}

/**
 * Where the film lies in a stored heat map. The file does not say; the drawing is repeated as far as its
 * layout, and only a picture of exactly the size that comes out is trusted.
 *
 * @param longSides sizes that may have been configured when it was made
 * @returns null when the heat map was made otherwise
 */
export function filmInHeatmap(
  stored: Pick<StoredHeatmap, 'width' | 'height'>,
  picture: Pick<GrayPicture, 'width' | 'height'>,
  reading: Reading,
  longSides: readonly number[],
): Heatmap['film'] | null {
  const map = { label: explainedLabel(reading) };
  for (const longSide of longSides) {
    for (const language of LEGEND_LANGUAGES) {
      const frame = heatmapFrame({ picture, map, reading, longSide, language });
      if (frame.width === stored.width && frame.height === stored.height) return frame.film;
    }
  }
  return null;
}
