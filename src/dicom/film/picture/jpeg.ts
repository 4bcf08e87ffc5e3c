import { DeepHealthError } from '../../../errors/error.ts';
import { readJpeg } from '../decode/jpeg-header.ts';
import { orientationOf } from './exif.ts';
import type { PictureHeader } from './header.ts';

const SOS = 0xda;
const APP1 = 0xe1;
const APP2 = 0xe2;
const EXIF = Buffer.from('Exif\0\0', 'latin1');
const ICC = Buffer.from('ICC_PROFILE\0', 'latin1');

/**
 * The header of a JPEG file (ITU-T T.81; JFIF and EXIF around it): 8 bits, grey or colour.
 * @throws DeepHealthError `picture.undecodable`
 */
export function readJpegPicture(bytes: Uint8Array): PictureHeader {
  const { codec, size, precision, components, lossless } = headerOf(bytes);
  if (codec !== 'jpeg' || lossless || size === undefined || precision !== 8) {
    throw undecodable('The JPEG picture is none of 8 bits, coded with a DCT.');
  }
  if (components !== 1 && components !== 3) {
    throw undecodable(
      `The JPEG picture has ${components} components; films are grey, or red, green and blue.`,
    );
  }
  if (size.rows === 0 || size.columns === 0) throw undecodable('The JPEG picture does not say its size.');
  let orientation = 1;
  let greyProfile = false;
  for (const { marker, content } of segmentsOf(bytes)) {
    if (marker === APP1 && startsWith(content, EXIF) && orientation === 1) {
      orientation = orientationOf(content.subarray(EXIF.length));
    }
    if (marker === APP2 && startsWith(content, ICC)) greyProfile = components === 1;
  }
  return { codec, ...size, channels: components, depth: 8, orientation, greyProfile };
}

function headerOf(bytes: Uint8Array) {
  try {
    return readJpeg(bytes);
  } catch (cause) {
    if (!(cause instanceof DeepHealthError)) throw cause;
    throw new DeepHealthError('picture.undecodable', cause.message, { cause });
  }
}

/** Marker segments up to the first scan, of a header that was found sound. */
function* segmentsOf(bytes: Uint8Array): Generator<{ marker: number; content: Uint8Array }> {
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return;
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++] ?? 0;
    if (marker === SOS) return;
    // Markers without a segment.
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue;
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    yield { marker, content: bytes.subarray(at + 2, at + length) };
    at += length;
  }
}

function startsWith(content: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, index) => content[index] === byte);
}

function undecodable(message: string): DeepHealthError {
  return new DeepHealthError('picture.undecodable', message);
}
