import { readdirSync, readFileSync } from 'node:fs';
import { parseDicom } from '../../src/dicom/film/parse.ts';
import { encapsulated } from '../fixtures/dicom.ts';
import { mutated } from './mutate.ts';
import type { FuzzRandom } from './random.ts';

const FOLDER = new URL('../fixtures/fuzz/seeds/', import.meta.url);

/** A film with a compressed frame: the file, and where its pieces are. */
export interface CodedFilm {
  readonly name: string;
  readonly file: Uint8Array;
  readonly transferSyntax: string;
  readonly codestream: Uint8Array;
}

/** The seeds of `test/fixtures/fuzz/seeds`: one small drawn film in each coding. */
export async function codedFilms(): Promise<CodedFilm[]> {
  const films: CodedFilm[] = [];
  for (const name of readdirSync(FOLDER)
    .filter((entry) => entry.endsWith('.dcm'))
    .sort()) {
    const file = Uint8Array.from(readFileSync(new URL(name, FOLDER)));
    const { pixelField, transferSyntax } = await parseDicom(file);
    if (pixelField?.kind !== 'encapsulated') throw new Error(`${name} is not encapsulated`);
    const codestream = Uint8Array.from(Buffer.concat(pixelField.fragments));
    films.push({ name: name.replace('.dcm', ''), file, transferSyntax, codestream });
  }
  return films;
}

/** The film with another codestream, in one fragment or several. */
export function withCodestream(film: CodedFilm, codestream: Uint8Array, random: FuzzRandom): Uint8Array {
  const fragments: Uint8Array[] = [];
  if (random.maybe(0.15)) {
    for (let at = 0; at < codestream.length; at += 2 * (1 + random.below(400))) {
      fragments.push(codestream.subarray(at, at + 2 * (1 + random.below(400))));
    }
  } else fragments.push(codestream);
  const pixels = Buffer.from(film.file).indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00]));
  return Uint8Array.from(encapsulated(film.file.subarray(0, pixels), film.transferSyntax, ...fragments));
}

/** Damage that keeps the codestream's shape, so that it goes deep: segments and numbers in them. */
export function hostileCodestream(
  film: CodedFilm,
  others: readonly CodedFilm[],
  random: FuzzRandom,
): Uint8Array {
  const { codestream } = film;
  switch (random.below(7)) {
    case 0:
    case 1:
      return mutated(codestream, random, { most: 4 });
    case 2:
    case 3:
      return withSegment(codestream, random);
    case 4:
      return entropyDamage(codestream, random);
    case 5: {
      const other = random.pick(others).codestream;
      const at = random.below(codestream.length);
      const from = random.below(other.length);
      return Uint8Array.from(Buffer.concat([codestream.subarray(0, at), other.subarray(from)]));
    }
    default:
      return mutated(withSegment(codestream, random), random, { most: 2 });
  }
}

/** Marker segments (FF xx, two bytes of length): one changed inside, doubled, dropped, or its length wrong. */
function withSegment(codestream: Uint8Array, random: FuzzRandom): Uint8Array {
  const bytes = Buffer.from(codestream);
  const segments: { at: number; length: number }[] = [];
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const length = 2 + bytes.readUInt16BE(at + 2);
    segments.push({ at, length });
    at += length;
  }
  // RLE: the table of its segments stands at the beginning.
  if (segments.length === 0)
    return mutated(codestream.subarray(0, 64), random, { most: 3 }).length === 64
      ? Uint8Array.from(
          Buffer.concat([
            mutated(codestream.subarray(0, 64), random).subarray(0, 64),
            codestream.subarray(64),
          ]),
        )
      : mutated(codestream, random);
  const { at, length } = random.pick(segments);
  const segment = Buffer.from(bytes.subarray(at, at + length));
  const around = (middle: readonly Uint8Array[]) =>
    Uint8Array.from(Buffer.concat([bytes.subarray(0, at), ...middle, bytes.subarray(at + length)]));
  switch (random.below(5)) {
    case 0:
      return around([segment, segment]);
    case 1:
      return around([]);
    case 2:
      segment.writeUInt16BE(random.pick([0, 1, 2, 3, segment.length, 65_535]) & 0xffff, 2);
      return around([segment]);
    default:
      for (let change = 0; change <= random.below(3); change++) {
        const place = 4 + random.below(Math.max(1, segment.length - 4));
        if (place < segment.length)
          segment[place] = random.maybe(0.5) ? random.below(256) : random.pick([0, 1, 2, 0x7f, 0x80, 0xff]);
      }
      return around([segment]);
  }
}

/** Bytes of the coded pixels themselves, without making markers of them. */
function entropyDamage(codestream: Uint8Array, random: FuzzRandom): Uint8Array {
  const bytes = codestream.slice();
  const from = Math.floor(bytes.length * 0.2);
  for (let change = 0; change <= random.below(12); change++) {
    bytes[from + random.below(Math.max(1, bytes.length - from - 2))] = random.below(255);
  }
  return bytes;
}
