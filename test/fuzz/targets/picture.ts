import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { createDecoder } from '../../../src/dicom/film/decode/decoder.ts';
import { decodePng, readPng } from '../../../src/dicom/film/picture/png.ts';
import { openPicture } from '../../../src/dicom/film/picture.ts';
import { chunk, pngHeader, pngOfLines } from '../../fixtures/png.ts';
import { mutated } from '../mutate.ts';
import type { FuzzRandom } from '../random.ts';
import { type FuzzTarget, outcomeOf } from '../target.ts';

const FOLDER = new URL('../../fixtures/fuzz/seeds/', import.meta.url);
const JPEGS = ['grey.jpg', 'colour.jpg', 'progressive.jpg', 'exif.jpg'].map((name) =>
  Uint8Array.from(readFileSync(new URL(name, FOLDER))),
);
const PNGS = ['grey.png', 'interlaced.png', 'palette.png'].map((name) =>
  Uint8Array.from(readFileSync(new URL(name, FOLDER))),
);

/** A PNG file whose chunks are sound and whose header, palette and pixels need not fit each other. */
function shapedPng(random: FuzzRandom): Uint8Array {
  const colour = random.pick([0, 2, 3, 4, 6, 6, 1]);
  const bits = random.pick([1, 2, 4, 8, 8, 16, 3]);
  const side = () => random.pick([0, 1, 2, 7, 8, 9, 33, 64, 65_535, 0x7fff_ffff]);
  const [width, height] = random.maybe(0.8) ? [1 + random.below(40), 1 + random.below(40)] : [side(), side()];
  const samples = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colour] ?? 1;
  const line = 1 + Math.ceil((Math.min(width, 64) * samples * bits) / 8);
  const lines = random.bytes(Math.min(height, 64) * line + (random.maybe(0.1) ? random.below(9) - 4 : 0) + 4);
  for (let at = 0; at < lines.length; at += line) lines[at] = random.below(random.maybe(0.05) ? 256 : 5);
  const between = [
    ...(random.maybe(colour === 3 ? 0.9 : 0.1)
      ? [chunk('PLTE', random.bytes(random.pick([768, 768, 768, 48, 3, 4])))]
      : []),
    ...(random.maybe(0.3)
      ? [chunk('tRNS', random.bytes(random.maybe(0.8) ? ({ 0: 2, 2: 6 }[colour] ?? 16) : random.below(300)))]
      : []),
    ...(random.maybe(0.2) ? [chunk('eXIf', random.bytes(random.below(60)))] : []),
    ...(random.maybe(0.05) ? [chunk('IDAT', deflateSync(random.bytes(9)))] : []),
    ...(random.maybe(0.05) ? [chunk(random.pick(['tEXt', 'ABCD', 'IHDR', 'IEND']), random.bytes(13))] : []),
  ];
  const exact = lines.subarray(0, random.maybe(0.9) ? Math.max(0, lines.length - 4) : lines.length);
  return pngOfLines(
    pngHeader(width, height, bits, colour, { interlaced: random.maybe(0.3) }),
    exact,
    ...between,
  );
}

/** JPEG and PNG files: headers, EXIF, PNG whole, and every eighth JPEG by its decoder. */
export const picture: FuzzTarget = {
  name: 'picture',
  limitMs: 20_000,
  weight: 12,
  async open() {
    const decoder = createDecoder({ workers: 1, limits: { milliseconds: 2_000, pixels: 2 ** 20 } });
    return {
      make(random) {
        switch (random.below(8)) {
          case 0:
          case 1:
          case 2:
            return mutated(random.pick(JPEGS), random, { most: 4 });
          case 3:
            return mutated(random.pick(PNGS), random, { most: 3 });
          case 4:
            return mutated(shapedPng(random), random, { most: 1 });
          default:
            return shapedPng(random);
        }
      },
      run: (input) =>
        outcomeOf(async () => {
          if (input[0] === 0x89) {
            const { rows, columns, ...png } = readPng(input);
            if (rows * columns > 2 ** 20) return 'png too large';
            const { samples } = decodePng({ rows, columns, ...png });
            if (samples.length !== rows * columns) throw new Error('a picture of another size');
            return 'png decoded';
          }
          const { picture: opened } = await openPicture(input, decoder, { pixels: 2 ** 20 });
          if (opened.pixels.length !== opened.width * opened.height)
            throw new Error('a picture of another size');
          return 'jpeg opened';
        }),
      close: () => decoder.close(),
    };
  },
};
