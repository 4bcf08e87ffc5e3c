import { createDecoder } from '../../../src/dicom/film/decode/decoder.ts';
import { encodedFrame } from '../../../src/dicom/film/frame.ts';
import { DEFAULT_FILM_LIMITS } from '../../../src/dicom/film/limits.ts';
import { openFilm } from '../../../src/dicom/film/open.ts';
import { parseDicom } from '../../../src/dicom/film/parse.ts';
import { DEFAULT_RULES, type SelectRules } from '../../../src/dicom/film/select-rules.ts';
import { type InstanceIdentity, identityOf } from '../../../src/dicom/web/identity.ts';
import { DeepHealthError } from '../../../src/errors/error.ts';
import { codedFilms, hostileCodestream, withCodestream } from '../codestream.ts';
import { hostileFile } from '../dicom.ts';
import { type FuzzTarget, outcomeOf } from '../target.ts';

/** The seeds are smaller than any film. */
export const FUZZ_RULES: SelectRules = { ...DEFAULT_RULES, minSide: 8, unknownView: 'flag' };

const LIMITS = { fileBytes: 8 * 2 ** 20, inflatedBytes: 8 * 2 ** 20, pixels: 2 ** 20 };

/** The reader of files: parse, select, native pixels, grey scale. */
export const film: FuzzTarget = {
  name: 'film',
  limitMs: 10_000,
  weight: 30,
  async open() {
    const decoder = createDecoder({ workers: 1, limits: { milliseconds: 2_000 } });
    return {
      make: hostileFile,
      run: (input) =>
        outcomeOf(async () => {
          const { picture, rows, columns } = await openFilm(input, {
            decoder,
            rules: FUZZ_RULES,
            limits: LIMITS,
          });
          if (picture.pixels.length !== picture.width * picture.height)
            throw new Error('a picture of another size');
          return `opened ${rows > columns ? 'upright' : 'wide'}`;
        }),
      close: () => decoder.close(),
    };
  },
};

const UIDS = [
  ['studyInstanceUid', '0020000D'],
  ['seriesInstanceUid', '0020000E'],
  ['sopInstanceUid', '00080018'],
] as const satisfies readonly (readonly [keyof InstanceIdentity, string])[];

/**
 * Which instance a file is, told by the receiver. The reader of films must be of the same mind: else a film
 * is kept under one study and reported to another.
 */
export const identity: FuzzTarget = {
  name: 'identity',
  limitMs: 5_000,
  weight: 12,
  async open() {
    return {
      make: hostileFile,
      run: (input) =>
        outcomeOf(async () => {
          const told = identityOf(input);
          const parsed = await parseDicom(input, LIMITS).catch((error: unknown) => {
            if (error instanceof DeepHealthError) return undefined;
            throw error;
          });
          if (parsed === undefined) return 'told, not readable';
          for (const [key, tag] of UIDS) {
            const value = parsed.dataset[tag]?.Value?.[0];
            if (value !== undefined && value !== told[key]) throw new Error(`two minds on ${key}`);
          }
          return 'told';
        }),
      close: async () => {},
    };
  },
};

/** Every decoder in its worker, as in production. */
export const decoders: FuzzTarget = {
  name: 'decoders',
  limitMs: 20_000,
  weight: 14,
  async open() {
    const decoder = createDecoder({ workers: 1, limits: { milliseconds: 2_000 } });
    // Sound films get the time that production gives them: a busy machine is no defect.
    const patient = createDecoder({ workers: 1 });
    const films = await codedFilms();
    const whole = new Map<string, string>();
    async function gray(file: Uint8Array, by = decoder): Promise<string> {
      const { picture } = await openFilm(file, { decoder: by, rules: FUZZ_RULES, limits: LIMITS });
      return Buffer.from(picture.pixels).toString('base64');
    }
    /** The same at a lower resolution, by the decoders that large films take. */
    async function halved(file: Uint8Array): Promise<void> {
      const { dataset, pixelField, transferSyntax } = await parseDicom(file, LIMITS);
      const frame = encodedFrame(dataset, pixelField, transferSyntax, { ...DEFAULT_FILM_LIMITS, ...LIMITS });
      await decoder.decode(frame, { shorterSide: 8 });
    }
    async function sound(file: Uint8Array): Promise<string> {
      try {
        return await gray(file);
      } catch (error) {
        if (error instanceof DeepHealthError && error.code === 'pixel.timeout') return gray(file, patient);
        throw error;
      }
    }
    for (const { name, file } of films) whole.set(name, await sound(file));
    let count = 0;
    return {
      make(random) {
        const one = random.pick(films);
        return withCodestream(one, hostileCodestream(one, films, random), random);
      },
      async run(input) {
        const outcome = await outcomeOf(async () => {
          await gray(input);
          return 'decoded';
        });
        await outcomeOf(async () => {
          await halved(input);
          return 'halved';
        });
        // Whatever the hostile one did: the next patient's film must come out as ever.
        count += 1;
        if (outcome !== 'decoded' && count % 8 !== 0) return outcome;
        const next = films[count % films.length];
        if (next !== undefined && (await sound(next.file)) !== whole.get(next.name)) {
          throw new Error(`the next film (${next.name}) is another picture`);
        }
        return outcome;
      },
      async close() {
        await Promise.all([decoder.close(), patient.close()]);
      },
    };
  },
};
