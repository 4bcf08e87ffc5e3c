import { DeepHealthError } from '../../errors/error.ts';
import { type DicomDataset, number, text } from '../dataset.ts';
import { pixelAspect, squared } from './aspect.ts';
import type { DecodedFrame, FrameFormat, WantedSize } from './decode/decoder.ts';
import type { GrayPicture, PictureToFilm, Remark } from './film.ts';
import { layDown } from './lay-down.ts';
import { modalityValues } from './modality.ts';
import { pictureToFilm, turnOf } from './orientation.ts';
import { polarityRemarks } from './polarity.ts';
import { collimator, common, shutter, type VisibleColumns } from './shutter.ts';
import { unwrapped } from './sign.ts';
import { histogramOf, quantiles } from './statistics.ts';
import { paddingCodes, type StoredValues, storedValues } from './stored-values.ts';
import { valuesOfInterest } from './voi.ts';
import { reductionTo } from './working-size.ts';

/** A display-ready film and how it came about. */
export interface DisplayedFilm {
  readonly picture: GrayPicture;
  readonly toFilm: PictureToFilm;
  readonly remarks: readonly Remark[];
}

/**
 * Where the film's values are looked at. What lies beyond the first and the last are outliers (markers, dead
 * cells).
 */
const FRACTIONS = [0.005, ...Array.from({ length: 19 }, (_, i) => (i + 1) / 20), 0.995];

/**
 * Stored values to a display-ready picture: sign, padding, modality table, values of interest, inversion of
 * MONOCHROME1 (PS3.3 C.7.6.3.1.2, C.7.5.1.1.2, C.11), display shutter, orientation L\F, square pixels. Bone is
 * bright, padding and what the shutter hides is black. The collimator's borders stay: they are left out of
 * the statistics only.
 *
 * Every step up to the inversion is folded into one table over cells, so that pixels are passed once.
 *
 * @param wanted how small the picture may become; absent: every pixel of the frame is kept.
 * @throws DeepHealthError `film.blank` when all visible pixels are alike.
 */
export function displayFilm(
  frame: DecodedFrame,
  format: FrameFormat,
  dataset: DicomDataset,
  wanted?: WantedSize,
): DisplayedFilm {
  const remarks: Remark[] = [...frame.remarks];
  const scaled = (visible: VisibleColumns | undefined) => reduced(visible, format, frame);
  const hidden = scaled(shutter(dataset, format.rows, format.columns));
  const exposed = scaled(collimator(dataset, format.rows, format.columns));

  const declared = storedValues(format);
  const padding = paddingCodes(dataset, declared);
  const seen = hidden === undefined ? exposed : both(hidden, exposed);
  const histogram = histogramOf(frame, declared, padding, seen);
  const { stored, remarks: signRemarks } = unwrapped(histogram, declared, dataset);
  const modality = modalityValues(dataset, stored);
  const typical = quantiles(histogram, modality.values, FRACTIONS);
  if (typical === undefined || isConstant(histogram)) throw new DeepHealthError('film.blank');
  const signed = lowest(modality.values) < 0;
  const { voi, remarks: voiRemarks } = valuesOfInterest(dataset, typical, signed);
  const { inverted, remarks: presentationRemarks } = presentation(dataset);
  remarks.push(...signRemarks, ...modality.remarks, ...voiRemarks, ...presentationRemarks);
  if (voiRemarks.some(({ code }) => code === 'voi=auto') && isUnprocessed(dataset)) {
    remarks.push({
      code: 'raw',
      message: 'The film looks like detector values that were never processed for viewing.',
    });
  }

  const greys = new Uint8Array(stored.codes);
  for (let code = 0; code < stored.codes; code++) {
    if (padding?.[code] === 1) continue;
    const shown = voi(modality.values[code] ?? 0);
    greys[code] = Math.round(255 * (inverted ? 1 - shown : shown));
  }
  const { turn, remarks: turnRemarks } = turnOf(dataset);
  remarks.push(...turnRemarks);
  const factor = wanted === undefined ? 1 : reductionTo(wanted.shorterSide, frame);
  const laid = layDown(frame, cellTable(greys, stored, frame.samples), turn, hidden, factor);
  const aspect = pixelAspect(dataset);
  const picture = squared(laid, turn.swap ? 1 / aspect : aspect);
  remarks.push(...polarityRemarks(picture, hidden !== undefined || padding !== undefined));
  const grid = { columns: Math.ceil(frame.columns / factor), rows: Math.ceil(frame.rows / factor) };
  const toFilm = enlarged(pictureToFilm(turn, picture, grid), factor * frame.scale, frame.origin);
  return { picture, toFilm, remarks };
}

/** The grey of every possible cell. */
function cellTable(
  greys: Uint8Array,
  { codes, shift }: StoredValues,
  samples: Uint8Array | Uint16Array,
): Uint8Array {
  const cells = samples instanceof Uint8Array ? 256 : 65_536;
  if (shift === 0 && codes === cells) return greys;
  const table = new Uint8Array(cells);
  if (shift === 0) {
    for (let from = 0; from < cells; from += codes) table.set(greys, from);
    return table;
  }
  for (let cell = 0; cell < cells; cell++) table[cell] = greys[(cell >> shift) & (codes - 1)] ?? 0;
  return table;
}

/**
 * Whether the display is inverted. Photometric Interpretation decides; Presentation LUT Shape (2050,0020)
 * states the same inversion once more and is never applied on top (PS3.3 C.11.6.1.2).
 */
function presentation(dataset: DicomDataset): { inverted: boolean; remarks: Remark[] } {
  const inverted = text(dataset, '00280004')?.toUpperCase() === 'MONOCHROME1';
  const shape = text(dataset, '20500020')?.toUpperCase();
  const contradicts = (shape === 'INVERSE' && !inverted) || (shape === 'IDENTITY' && inverted);
  if (!contradicts) return { inverted, remarks: [] };
  const message = 'Presentation LUT Shape contradicts Photometric Interpretation, which was followed.';
  return { inverted, remarks: [{ code: 'presentation=contradictory', message }] };
}

/** No window, and values that are linear or logarithmic to the exposure: raw detector values (standard CR has none). */
function isUnprocessed(dataset: DicomDataset): boolean {
  const relationship = text(dataset, '00281040')?.toUpperCase();
  return (
    (relationship === 'LIN' || relationship === 'LOG') &&
    number(dataset, '00281050') === undefined &&
    dataset['00283010'] === undefined
  );
}

/** A map into a reduced film as one into the film itself. */
function enlarged({ a, b, c, d, e, f }: PictureToFilm, scale: number, origin: number): PictureToFilm {
  return {
    a: a * scale,
    b: b * scale,
    c: c * scale + origin,
    d: d * scale,
    e: e * scale,
    f: f * scale + origin,
  };
}

function isConstant(histogram: Uint32Array): boolean {
  let present = 0;
  for (const count of histogram) if (count > 0) present += 1;
  return present < 2;
}

function lowest(values: Float64Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) if (value < least) least = value;
  return least;
}

function both(one: VisibleColumns, other: VisibleColumns | undefined): VisibleColumns {
  if (other === undefined) return one;
  return (row) => common(one(row), other(row));
}

/** A shutter given in the film's pixels, for a frame that was decoded smaller. */
function reduced(
  visible: VisibleColumns | undefined,
  film: FrameFormat,
  { scale, origin }: DecodedFrame,
): VisibleColumns | undefined {
  if (visible === undefined || scale === 1) return visible;
  const within = (column: number) => Math.max(0, Math.round((column - origin) / scale));
  return (row) =>
    visible(Math.min(film.rows - 1, Math.max(0, Math.floor((row + 0.5) * scale + origin)))).map(
      ([start, end]) => [within(start), Math.min(within(end), Math.ceil(film.columns / scale))],
    );
}
