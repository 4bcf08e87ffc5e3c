import { promisify } from 'node:util';
import { inflate, inflateRaw } from 'node:zlib';
import { DeepHealthError } from '../../errors/error.ts';
import { withoutEnd } from '../../text/without-end.ts';
import { type DicomDataset, text } from '../dataset.ts';
import { readDataset } from './dataset-reader.ts';
import { type DatasetEncoding, isKnownVr } from './element-header.ts';
import { latin1 } from './encodings.ts';
import type { Remark } from './film.ts';
import type { FilmLimits } from './limits.ts';
import { DEFAULT_FILM_LIMITS } from './limits.ts';
import type { PixelField } from './pixel-field.ts';

/** A DICOM file taken apart. */
export interface ParsedDicom {
  /** File meta information (group 0002); empty when the file has none. */
  readonly meta: DicomDataset;
  /** The dataset without Pixel Data, text decoded; binary values are views of the file's bytes. */
  readonly dataset: DicomDataset;
  /** The transfer syntax that the file says it is in, or what it was found to be when it says nothing. */
  readonly transferSyntax: string;
  /** Pixel Data as stored, views of the file's bytes; null when there is none. */
  readonly pixelField: PixelField | null;
  /** Tags of attributes, at any depth, whose text holds characters that could not be decoded. */
  readonly damagedText: readonly string[];
  readonly remarks: readonly Remark[];
}

const IMPLICIT_LITTLE = '1.2.840.10008.1.2';
const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1';
const EXPLICIT_BIG = '1.2.840.10008.1.2.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const MEDIA_DIRECTORY = '1.2.840.10008.1.3.10';

/**
 * Whether the bytes are a DICOM file: `DICM` behind the preamble or at the start, or a dataset that begins at
 * once with group 0002 or 0008.
 */
export function isDicom(bytes: Uint8Array): boolean {
  return datasetStart(bytes) !== undefined;
}

/**
 * Takes a DICOM file apart (PS3.10 7, PS3.5 7 and 10): implicit and explicit little endian, explicit big
 * endian, deflated; with or without preamble and meta information.
 *
 * @throws DeepHealthError `file.empty`, `file.too-large`, `file.not-dicom`, `file.truncated`,
 * `file.malformed`, `file.too-complex`, `file.inflates-too-far`.
 */
export async function parseDicom(file: Uint8Array, limits: Partial<FilmLimits> = {}): Promise<ParsedDicom> {
  const bytes = plainView(file);
  const bounds = { ...DEFAULT_FILM_LIMITS, ...limits };
  if (bytes.length === 0) throw new DeepHealthError('file.empty');
  if (bytes.length > bounds.fileBytes) throw new DeepHealthError('file.too-large');
  const start = datasetStart(bytes);
  if (start === undefined) throw new DeepHealthError('file.not-dicom');
  const remarks: Remark[] = [];

  const { dataset: meta, end: metaEnd } = readDataset(
    bytes,
    start,
    { explicit: isKnownVr(bytes, start + 4), little: true },
    bounds,
    (tag) => !tag.startsWith('0002'),
  );
  const named = text(meta, '00020010');
  const declared = named === undefined ? undefined : withoutEnd(named, '\0');
  if (text(meta, '00020002') === MEDIA_DIRECTORY) {
    throw new DeepHealthError('film.not-an-image', 'The file is a media directory (DICOMDIR).');
  }
  const deflated = declared === DEFLATED;
  const body = deflated ? plainView(await inflated(bytes.subarray(metaEnd), bounds)) : bytes;
  const bodyStart = deflated ? 0 : metaEnd;
  const encoding = encodingAt(body, bodyStart);
  const transferSyntax = declared ?? syntaxOf(encoding);
  if (declared === undefined) {
    remarks.push({
      code: 'syntax=assumed',
      message: 'The file names no transfer syntax; it was read as what its first bytes look like.',
    });
  } else if (!agrees(declared, encoding)) {
    remarks.push({
      code: 'syntax=contradicted',
      message: 'The dataset is not coded as the transfer syntax says; it was read as it is.',
    });
  }

  const read = readDataset(body, bodyStart, encoding, bounds);
  if (read.trailing) {
    remarks.push({
      code: 'trailing-bytes',
      message: 'Bytes behind the pixels could not be read and were left out.',
    });
  }
  const doubtful = [...read.doubtfulText];
  const damagedText = doubtful.filter(([, trust]) => trust === 'damaged').map(([tag]) => tag);
  if (doubtful.length > damagedText.length) {
    remarks.push({
      code: 'charset=assumed',
      message: 'Text beyond ASCII without a character set that has it; it was read as UTF-8 or Latin-1.',
    });
  }
  if (damagedText.length > 0) {
    remarks.push({
      code: 'charset',
      message: `Characters that the declared character set does not have, in ${damagedText.map(dotted).join(', ')}.`,
    });
  }
  return {
    meta,
    dataset: read.dataset,
    // A native syntax whose dataset is coded otherwise: the pixels are coded as the dataset is.
    transferSyntax:
      declared !== undefined && isNative(declared) && !agrees(declared, encoding)
        ? syntaxOf(encoding)
        : transferSyntax,
    pixelField: read.pixelField,
    damagedText,
    remarks,
  };
}

/** The same bytes without the methods of Buffer, so that the views in a dataset are all of one kind. */
function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where group 0002 or, without it, the dataset begins; undefined when this is no DICOM file. */
function datasetStart(bytes: Uint8Array): number | undefined {
  if (latin1(bytes.subarray(128, 132)) === 'DICM') return 132;
  if (latin1(bytes.subarray(0, 4)) === 'DICM') return 4;
  // Without any mark: the first element must be one of the first groups and fit into the file.
  if (bytes.length < 8) return undefined;
  const [a, b, c, d] = bytes;
  const little = b === 0 && (a === 2 || a === 8) && d === 0;
  const big = a === 0 && b === 8 && c === 0;
  if (!little && !big) return undefined;
  if (isKnownVr(bytes, 4)) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return little && view.getUint32(4, true) <= bytes.length - 8 ? 0 : undefined;
}

/** How the dataset at this place is coded, by its first element: VR letters, and a group that makes sense. */
export function encodingAt(bytes: Uint8Array, at: number): DatasetEncoding {
  const [low = 0, high = 0] = [bytes[at], bytes[at + 1]];
  const little = !(low === 0 && high !== 0);
  return { little, explicit: isKnownVr(bytes, at + 4) };
}

function syntaxOf({ explicit, little }: DatasetEncoding): string {
  if (!little) return EXPLICIT_BIG;
  return explicit ? EXPLICIT_LITTLE : IMPLICIT_LITTLE;
}

function isNative(syntax: string): boolean {
  return syntax === IMPLICIT_LITTLE || syntax === EXPLICIT_LITTLE || syntax === EXPLICIT_BIG;
}

function agrees(declared: string, encoding: DatasetEncoding): boolean {
  const found = syntaxOf(encoding);
  return isNative(declared) ? declared === found : found === EXPLICIT_LITTLE;
}

const inflateRawAsync = promisify(inflateRaw);
const inflateAsync = promisify(inflate);

/** The deflated dataset (PS3.5 A.5), also where a writer put zlib's header before it. */
async function inflated(bytes: Uint8Array, limits: FilmLimits): Promise<Uint8Array> {
  const options = { maxOutputLength: limits.inflatedBytes };
  const zlib = bytes[0] === 0x78 && (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) % 31 === 0;
  try {
    return await (zlib ? inflateAsync(bytes, options) : inflateRawAsync(bytes, options));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new DeepHealthError(
        'file.inflates-too-far',
        `The deflated dataset is larger than ${limits.inflatedBytes} bytes once inflated.`,
      );
    }
    if (code === 'Z_BUF_ERROR') throw new DeepHealthError('file.truncated');
    throw new DeepHealthError('file.malformed', 'The deflated dataset cannot be inflated.', { cause });
  }
}

function dotted(tag: string): string {
  return `(${tag.slice(0, 4)},${tag.slice(4)})`;
}
