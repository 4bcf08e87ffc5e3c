import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { heldIn, putBack, withHeapBound } from './memory.ts';

/** Decoders of wavelet pictures that stop at a lower resolution. After an error they are not used again. */
export interface ReducedCodecs {
  /**
   * Decodes a picture of one unsigned component, leaving out the finest `levels`.
   * @returns its samples, a view of the heap that holds until the next call: bytes up to 8 bits, else little
   * endian words; unchecked.
   * @throws for everything that the codec refuses, stumbles over or goes over.
   */
  decode(picture: {
    readonly codec: 'jpeg-2000' | 'htj2k';
    readonly bytes: Uint8Array;
    readonly levels: number;
  }): Promise<Uint8Array>;
  heapBytes(): number;
}

/** The part of a decoder's class that is used here. */
interface SubResolutionDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  decodeSubResolution(levels: number, layer: number): void;
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}

interface Library {
  readonly HEAPU8: Uint8Array;
  readonly [decoder: string]: unknown;
}

/** How Emscripten's glue is told to take a module that is compiled already, and where it prints. */
interface GlueOptions {
  readonly instantiateWasm: (
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance) => void,
  ) => unknown;
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
}

/**
 * npm @cornerstonejs/codec-openjpeg and codec-openjph (MIT): OpenJPEG, and OpenJPH with SIMD, as WebAssembly. The
 * library of the other codecs knows no reduction.
 */
const LIBRARIES = {
  'jpeg-2000': {
    glue: '@cornerstonejs/codec-openjpeg/decodewasmjs',
    wasm: '@cornerstonejs/codec-openjpeg/decodewasm',
    decoder: 'J2KDecoder',
  },
  htj2k: {
    glue: '@cornerstonejs/codec-openjph/wasmjs',
    wasm: '@cornerstonejs/codec-openjph/wasm',
    decoder: 'HTJ2KDecoder',
  },
} as const;

/**
 * Gives fresh decoders; each library is read and compiled when the first picture needs it.
 * @param heapBytes what a decoder's heap can grow to.
 */
export function reducedCodecsMaker(heapBytes: number): () => ReducedCodecs {
  const require = createRequire(import.meta.url);
  const compiled = new Map<keyof typeof LIBRARIES, WebAssembly.Module>();
  const moduleOf = (codec: keyof typeof LIBRARIES): WebAssembly.Module => {
    const known = compiled.get(codec);
    if (known !== undefined) return known;
    const bytes = readFileSync(require.resolve(LIBRARIES[codec].wasm));
    const module = new WebAssembly.Module(withHeapBound(bytes, heapBytes));
    compiled.set(codec, module);
    return module;
  };
  return () => {
    const complaints: string[] = [];
    const libraries = new Map<keyof typeof LIBRARIES, Library>();
    /** What stands in a library's memory before its first picture; zeros behind it. */
    const initialized = new WeakMap<Library, Uint8Array>();
    const libraryOf = async (codec: keyof typeof LIBRARIES): Promise<Library> => {
      const known = libraries.get(codec);
      if (known !== undefined) {
        // What a picture left behind reaches no other (docs/decisions/0104).
        putBack(known.HEAPU8, initialized.get(known) ?? new Uint8Array());
        return known;
      }
      const listen = (line: string) => {
        if (isComplaint(line)) complaints.push(line);
      };
      const glue = require(LIBRARIES[codec].glue) as (options: GlueOptions) => Promise<Library>;
      const library = await glue({
        instantiateWasm: (imports, receive) => {
          const instance = new WebAssembly.Instance(moduleOf(codec), imports);
          receive(instance);
          return instance.exports;
        },
        print: listen,
        printErr: listen,
      });
      libraries.set(codec, library);
      initialized.set(library, heldIn(library.HEAPU8));
      return library;
    };
    return {
      heapBytes: () => [...libraries.values()].reduce((sum, { HEAPU8 }) => sum + HEAPU8.length, 0),
      async decode({ codec, bytes, levels }) {
        complaints.length = 0;
        const library = await libraryOf(codec);
        const Decoder = library[LIBRARIES[codec].decoder] as new () => SubResolutionDecoder;
        const decoder = new Decoder();
        decoder.getEncodedBuffer(bytes.length).set(bytes);
        decoder.decodeSubResolution(levels, 0);
        const [complaint] = complaints;
        if (complaint !== undefined) throw new Error(complaint);
        const samples = decoder.getDecodedBuffer();
        // Its memory is given back, but not overwritten before the next call.
        decoder.delete();
        return samples;
      },
    };
  };
}

/** What the codecs go over, they only mention. Markers that are unknown to OpenJPEG are no damage. */
function isComplaint(line: string): boolean {
  return !/^\s*$|^\[INFO\]|Unknown marker/.test(line);
}
