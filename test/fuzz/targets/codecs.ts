import { checkCodestream } from '../../../src/dicom/film/decode/check.ts';
import { type CodecPicture, type Codecs, codecsMaker } from '../../../src/dicom/film/decode/codecs.ts';
import { readCodestream } from '../../../src/dicom/film/decode/codestream.ts';
import { decodeRle } from '../../../src/dicom/film/decode/rle.ts';
import { codingOf } from '../../../src/dicom/film/decode/syntaxes.ts';
import { encodedFrame } from '../../../src/dicom/film/frame.ts';
import { DEFAULT_FILM_LIMITS } from '../../../src/dicom/film/limits.ts';
import { parseDicom } from '../../../src/dicom/film/parse.ts';
import { codedFilms, hostileCodestream, withCodestream } from '../codestream.ts';
import { type FuzzTarget, outcomeOf } from '../target.ts';

const HEAP_BYTES = 64 * 2 ** 20;

/** The WebAssembly codecs called directly, without a worker around them: for the number of cases. */
export const codecs: FuzzTarget = {
  name: 'codecs',
  limitMs: 1_000,
  weight: 20,
  disposable: true,
  async open() {
    const make = codecsMaker(HEAP_BYTES);
    const films = await codedFilms();
    let instance: Codecs | undefined;

    async function pictureOf(file: Uint8Array): Promise<CodecPicture | 'rle'> {
      const { dataset, pixelField, transferSyntax } = await parseDicom(file);
      const { format, fragments } = encodedFrame(dataset, pixelField, transferSyntax, DEFAULT_FILM_LIMITS);
      const coding = codingOf(transferSyntax);
      if (coding === undefined || coding === 'little' || coding === 'big') throw new Error('not compressed');
      const codestream = readCodestream(coding, Uint8Array.from(Buffer.concat(fragments)));
      checkCodestream(codestream, format);
      const { rows, columns } = format;
      if (codestream.codec === 'rle') {
        decodeRle(codestream.bytes, rows * columns);
        return 'rle';
      }
      const { codec, bytes, precision, signed } = codestream;
      return { codec, bytes, rows, columns, precision, signed };
    }

    /** As the worker does it: after an error the instance is thrown away. */
    function decode(picture: CodecPicture): Buffer | string {
      instance ??= make();
      try {
        return Buffer.from(instance.decode(picture));
      } catch {
        instance = undefined;
        return `${picture.codec} refused`;
      }
    }

    const whole = new Map<CodecPicture, Buffer>();
    for (const { file } of films) {
      const picture = await pictureOf(file);
      if (picture === 'rle') continue;
      const cells = decode(picture);
      if (typeof cells === 'string') throw new Error(`a seed does not decode: ${cells}`);
      whole.set(picture, cells);
    }
    const references = [...whole];
    let count = 0;
    return {
      make(random) {
        const film = random.pick(films);
        return withCodestream(film, hostileCodestream(film, films, random), random);
      },
      run: (input) =>
        outcomeOf(async () => {
          const picture = await pictureOf(input);
          if (picture === 'rle') return 'rle decoded';
          const cells = decode(picture);
          if (typeof cells === 'string') return cells;
          count += 1;
          const [next, expected] = references[count % references.length] ?? [];
          const again = next && decode(next);
          if (
            expected === undefined ||
            again === undefined ||
            typeof again === 'string' ||
            !again.equals(expected)
          ) {
            throw new Error(
              `after a hostile ${picture.codec} picture the next one (${next?.codec}) is another`,
            );
          }
          return `${picture.codec} decoded`;
        }),
      close: async () => {},
    };
  },
};
