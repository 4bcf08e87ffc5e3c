import { createHash } from 'node:crypto';
import type { DicomDataset } from '../dataset.ts';
import { drawPhantom, type PhantomDrawing, type PhantomPixels } from './draw.ts';
import { element, type PhantomHeader, phantomHeader } from './header.ts';
import { type PhantomSyntax, part10 } from './part10.ts';

/** What to draw, how to code the pixels, and what to write around them. */
export interface PhantomFile extends PhantomDrawing, PhantomHeader {
  /** MONOCHROME1 is written with inverted pixels, so both look the same. Default MONOCHROME2. */
  readonly photometric?: 'MONOCHROME1' | 'MONOCHROME2';
  /** Default 8 up to 8 bits, else 16. */
  readonly bitsAllocated?: 8 | 16;
  /** Two's complement, values centred on zero. Not a valid DX. */
  readonly signed?: boolean;
  readonly syntax?: PhantomSyntax;
  /** Cells of a film drawn elsewhere, MONOCHROME2 and unsigned, instead of a drawing. */
  readonly pixels?: PhantomPixels;
}

/**
 * A DICOM file with a phantom film, native pixels, little endian. The same options give the same bytes. In
 * its DX and CR forms without `attributes` and `without` it is a valid object of its class.
 */
export function phantomFile(options: PhantomFile = {}): Uint8Array {
  return part10(phantomDataset(options), options.syntax);
}

/** The dataset of `phantomFile`. */
export function phantomDataset(options: PhantomFile = {}): DicomDataset {
  const subject = options.subject ?? 'child';
  const seed = options.seed ?? 1;
  const { anatomy } = options;
  const bodyPart = anatomy === 'hand' ? 'HAND' : anatomy === 'skull' ? 'SKULL' : 'CHEST';
  const film = options.pixels ?? drawPhantom(options);
  const dataset = {
    ...phantomHeader(options, { subject, bodyPart, seed, identity: identityOf(options) }),
    ...pixelAttributes(film, options),
    ...options.attributes,
  };
  for (const tag of options.without ?? []) delete dataset[tag];
  return dataset;
}

function pixelAttributes(film: PhantomPixels, options: PhantomFile): DicomDataset {
  const kind = options.kind ?? 'DX';
  const bits = options.bits ?? 12;
  const bitsAllocated = options.bitsAllocated ?? (bits <= 8 ? 8 : 16);
  const photometric = options.photometric ?? 'MONOCHROME2';
  const inverted = photometric === 'MONOCHROME1';
  const signed = options.signed ?? false;
  const levels = 2 ** bits;
  const spacing = String(Number((350 / film.width).toFixed(4)));
  return {
    '00280002': element('US', 1),
    '00280004': element('CS', photometric),
    '00280010': element('US', film.height),
    '00280011': element('US', film.width),
    '00280100': element('US', bitsAllocated),
    '00280101': element('US', bits),
    '00280102': element('US', bits - 1),
    '00280103': element('US', signed ? 1 : 0),
    '00281050': element('DS', String(signed ? 0 : levels / 2)),
    '00281051': element('DS', String(levels)),
    ...(kind === 'DX' && {
      '00181164': element('DS', spacing, spacing),
      '00281040': element('CS', 'LOG'),
      '00281041': element('SS', inverted ? 1 : -1),
      '00281052': element('DS', '0'),
      '00281053': element('DS', '1'),
      '00281054': element('LO', 'US'),
      '20500020': element('CS', inverted ? 'INVERSE' : 'IDENTITY'),
    }),
    ...(kind === 'CR' && { '00181164': element('DS', spacing, spacing) }),
    '7FE00010': element(
      bitsAllocated === 8 ? 'OB' : 'OW',
      cells(film.pixels, { bits, bitsAllocated, inverted, signed }),
    ),
  };
}

/** The film's cells as they are stored. */
function cells(
  pixels: Uint16Array,
  {
    bits,
    bitsAllocated,
    inverted,
    signed,
  }: { bits: number; bitsAllocated: 8 | 16; inverted: boolean; signed: boolean },
): Uint8Array {
  const most = 2 ** bits - 1;
  const shift = signed ? 2 ** (bits - 1) : 0;
  const stored = bitsAllocated === 8 ? new Uint8Array(pixels.length) : new Uint16Array(pixels.length);
  for (let at = 0; at < pixels.length; at++) {
    const value = pixels[at] ?? 0;
    // Two's complement of the whole cell, so the sign fills the unused high bits.
    stored[at] = (inverted ? most - value : value) - shift;
  }
  return new Uint8Array(stored.buffer);
}

/** Tells files of one seed apart by everything that was asked for. */
function identityOf(options: PhantomFile): string {
  const { uids: _, ...rest } = options;
  const shown = JSON.stringify(rest, (_key, value: unknown) =>
    ArrayBuffer.isView(value)
      ? digest(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
      : value,
  );
  return digest(shown);
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
