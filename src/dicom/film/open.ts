import { DeepHealthError } from '../../errors/error.ts';
import { type DicomDataset, number, text } from '../dataset.ts';
import type { Decoder } from './decode/decoder.ts';
import type { Film, Remark } from './film.ts';
import { encodedFrame } from './frame.ts';
import { type DisplayedFilm, displayFilm } from './grayscale.ts';
import { DEFAULT_FILM_LIMITS, type FilmLimits } from './limits.ts';
import { isDicom, parseDicom } from './parse.ts';
import { openPicture, pictureFormat } from './picture.ts';
import { refuseSize, selectFilm } from './select.ts';
import { DEFAULT_RULES, type SelectRules } from './select-rules.ts';
import { WORKING_SIDE } from './working-size.ts';

export interface OpenOptions {
  /** Decodes the pixels; the caller closes it. */
  readonly decoder: Decoder;
  /** Which films are taken; default `DEFAULT_RULES`. */
  readonly rules?: SelectRules;
  readonly limits?: Partial<FilmLimits>;
  /**
   * `working` (default): a large film's picture is reduced by a power of two, as far as framing, network and heat
   * map see no difference (`working-size.ts`); coordinates stay the film's through `toFilm`. `full`: every pixel.
   */
  readonly size?: 'working' | 'full';
}

/** A header without its pixels. */
export interface FilmHeader {
  /** File meta information (group 0002); empty when the file has none. */
  readonly meta: DicomDataset;
  /** Everything but Pixel Data, text decoded. */
  readonly dataset: DicomDataset;
  readonly transferSyntax: string;
  readonly remarks: readonly Remark[];
}

/**
 * Attributes that tell patient and order apart: in them a character that cannot be decoded is an error. In
 * others (a description cut off in the middle of a character) it is a remark.
 */
const IDENTIFYING = [
  '00100010',
  '00100020',
  '00100021',
  '00101002',
  '00080050',
  '00080051',
  '00200010',
  '00380010',
  // Numbers of the order, wherever they stand.
  '00401001',
  '00402016',
  '00402017',
];

/**
 * Opens a film: DICOM, JPEG or PNG bytes to a display-ready picture of a frontal chest film. Nothing of `bytes` is
 * kept: once this has settled they may be written over.
 *
 * @throws DeepHealthError, and nothing else: `file.*` for bytes that are no sound file, `film.*` for objects
 * that are not wanted, `pixel.*` and `picture.*` for pixels that cannot be decoded.
 */
export async function openFilm(bytes: Uint8Array, options: OpenOptions): Promise<Film> {
  const began = performance.now();
  const limits = { ...DEFAULT_FILM_LIMITS, ...options.limits };
  const rules = options.rules ?? DEFAULT_RULES;
  if (bytes.length === 0) throw new DeepHealthError('file.empty');
  if (bytes.length > limits.fileBytes) throw new DeepHealthError('file.too-large');
  // A DICOM file may begin like another format (PS3.10 7.1 leaves the preamble free): its mark decides.
  if (!isDicom(bytes) && pictureFormat(bytes) !== undefined) {
    const film = await openPicture(bytes, options.decoder, limits);
    const refusal = refuseSize(film.rows, film.columns, rules);
    if (refusal?.verdict === 'refuse') throw new DeepHealthError(refusal.code, refusal.message);
    return { ...film, timings: { read: 0, decode: performance.now() - began } };
  }
  if (!isDicom(bytes)) throw new DeepHealthError('file.unknown-format');

  const parsed = await parseDicom(bytes, limits);
  const { dataset } = parsed;
  const selection = selectFilm(withSopClass(dataset, parsed.meta), rules);
  if (selection.verdict === 'refuse') throw new DeepHealthError(selection.code, selection.message);
  if (parsed.damagedText.some((tag) => IDENTIFYING.includes(tag))) throw new DeepHealthError('film.charset');
  const encoded = encodedFrame(dataset, parsed.pixelField, parsed.transferSyntax, limits);
  const read = performance.now();
  const wanted = options.size === 'full' ? undefined : { shorterSide: WORKING_SIDE };
  // Padding is told by single values, which a reduced picture mixes with their neighbours.
  const frame = await options.decoder.decode(encoded, dataset['00280120'] === undefined ? wanted : undefined);
  let shown: DisplayedFilm;
  try {
    shown = displayFilm(frame, encoded.format, dataset, wanted);
  } finally {
    options.decoder.release(frame);
  }
  return {
    kind: 'dicom',
    dataset: withOwnBytes(dataset),
    picture: shown.picture,
    toFilm: shown.toFilm,
    rows: encoded.format.rows,
    columns: encoded.format.columns,
    view: selection.view,
    remarks: distinct([
      ...parsed.remarks,
      ...selection.remarks,
      ...lossyRemarks(dataset, parsed.transferSyntax),
      ...shown.remarks,
    ]),
    timings: { read: read - began, decode: performance.now() - read },
  };
}

/**
 * Reads the header of a DICOM file to its end, so that a truncated file is found out, without decoding pixels.
 * @throws DeepHealthError `file.*`.
 */
export async function readHeader(bytes: Uint8Array, limits: Partial<FilmLimits> = {}): Promise<FilmHeader> {
  const { meta, dataset, transferSyntax, remarks } = await parseDicom(bytes, limits);
  return { meta, dataset, transferSyntax, remarks };
}

/** Files that leave SOP Class UID to the meta information. */
function withSopClass(dataset: DicomDataset, meta: DicomDataset): DicomDataset {
  const named = meta['00020002'];
  return dataset['00080016'] === undefined && named !== undefined
    ? { ...dataset, '00080016': named }
    : dataset;
}

/** The dataset with copies of the binary values, which are views of the file. */
function withOwnBytes(dataset: DicomDataset): DicomDataset {
  const own: DicomDataset = {};
  for (const [tag, element] of Object.entries(dataset)) {
    const { vr, Value } = element;
    if (vr === 'SQ' && Value !== undefined) {
      own[tag] = { vr, Value: Value.map((item) => withOwnBytes(item as DicomDataset)) };
    } else if (Value?.[0] instanceof Uint8Array) {
      own[tag] = { vr, Value: Value.map((value) => (value instanceof Uint8Array ? value.slice() : value)) };
    } else own[tag] = element;
  }
  return own;
}

/** Transfer syntaxes that always lose something: JPEG baseline and extended. */
const LOSSY_SYNTAXES = ['1.2.840.10008.1.2.4.50', '1.2.840.10008.1.2.4.51'];

/** Lossy Image Compression (0028,2110) stays 01 for good once a film was compressed with loss. */
function lossyRemarks(dataset: DicomDataset, transferSyntax: string): Remark[] {
  if (text(dataset, '00282110') !== '01' && !LOSSY_SYNTAXES.includes(transferSyntax)) return [];
  const ratio = number(dataset, '00282112');
  const how = ratio === undefined ? '' : ` (ratio ${ratio})`;
  return [{ code: 'lossy', message: `The film was compressed with loss${how}.` }];
}

function distinct(remarks: readonly Remark[]): Remark[] {
  return [...new Map(remarks.map((remark) => [remark.code, remark])).values()];
}
