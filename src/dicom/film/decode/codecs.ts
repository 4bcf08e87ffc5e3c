import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { heldIn, putBack, withHeapBound } from './memory.ts';

/** A picture for the codecs, described by its own header. */
export interface CodecPicture {
  readonly codec: 'jpeg' | 'jpeg-ls' | 'jpeg-2000' | 'htj2k';
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly columns: number;
  readonly precision: number;
  readonly signed: boolean;
  /** Of 8 bits and a JPEG: 3 gives red, green and blue, interleaved. Default 1. */
  readonly components?: 1 | 3;
}

/** One instance of the codecs. After an error its heap cannot be trusted: make another. */
export interface Codecs {
  /**
   * Decodes a picture.
   * @returns its samples, a view of the heap that holds until the next call: bytes or little endian words,
   * as `cellBytes` says.
   * @throws Error for everything that the codec refuses or stumbles over.
   */
  decode(picture: CodecPicture): Uint8Array;
  heapBytes(): number;
}

/** Bytes a sample that the codecs give. Signed high throughput samples of 8 bits are right as words only. */
export function cellBytes({
  codec,
  precision,
  signed,
}: Pick<CodecPicture, 'codec' | 'precision' | 'signed'>): 1 | 2 {
  return precision <= 8 && !(codec === 'htj2k' && signed) ? 1 : 2;
}

const FUNCTIONS = {
  jpeg: 'DecodeJpeg',
  'jpeg-ls': 'DecodeJpegLs',
  'jpeg-2000': 'DecodeJpeg2000',
  htj2k: 'DecodeHtJpeg2000',
} as const;

/** In the codecs' own enumeration of photometric interpretations. */
const MONOCHROME2 = 1;
const RGB = 2;

/** What the codecs export, as far as it is used here; pointers and lengths are numbers. */
type Exports = Readonly<Record<string, ((...values: number[]) => number) | undefined>>;

/**
 * Makes fresh instances of dcmjs-native-codecs.wasm of npm dcmjs-codecs (MIT: OpenJPEG, CharLS, OpenJPH and
 * libjpeg of 8, 12 and 16 bits). The first compiles it (Node shares the code between threads) and runs the static
 * constructors, tens of milliseconds each; the others begin with the memory that it had after them.
 */
export function codecsMaker(heapBytes: number): () => Codecs {
  let module: WebAssembly.Module | undefined;
  /** What the memory held after the constructors, and its size then. */
  let initialized: { readonly held: Uint8Array; readonly size: number } | undefined;
  return () => {
    module ??= compiled(heapBytes);
    const warnings: string[] = [];
    const { memory, api } = link(module, (line) => {
      const complaint = complaintOf(line);
      if (complaint !== undefined) warnings.push(complaint);
    });
    const heap = new Uint8Array(memory.buffer);
    if (initialized?.size === heap.length) heap.set(initialized.held);
    else {
      api._initialize?.();
      const after = new Uint8Array(memory.buffer);
      initialized = { held: heldIn(after), size: after.length };
    }
    return codecsOf(memory, api, warnings, initialized.held);
  };
}

function compiled(heapBytes: number): WebAssembly.Module {
  const path = createRequire(import.meta.url).resolve('dcmjs-codecs/build/dcmjs-native-codecs.wasm');
  return new WebAssembly.Module(withHeapBound(readFileSync(path), heapBytes));
}

/** @param initialized what stands in the memory before the first picture; zeros behind it */
function codecsOf(
  memory: WebAssembly.Memory,
  api: Exports,
  warnings: string[],
  initialized: Uint8Array,
): Codecs {
  let used = false;
  /**
   * A codestream can write where it should not and decode all the same: what it left behind must reach no
   * other picture (docs/decisions/0104).
   */
  function forget(): void {
    if (used) putBack(new Uint8Array(memory.buffer), initialized);
    used = true;
  }
  const call = (name: string, ...values: number[]): number => {
    const exported = api[name];
    if (exported === undefined) throw new Error(`The codecs have no ${name}.`);
    return exported(...values);
  };
  return {
    heapBytes: () => memory.buffer.byteLength,
    decode(picture) {
      forget();
      warnings.length = 0;
      const { components = 1 } = picture;
      const context = call('CreateCodecsContext');
      call('SetColumns', context, picture.columns);
      call('SetRows', context, picture.rows);
      call('SetBitsAllocated', context, 8 * cellBytes(picture));
      call('SetBitsStored', context, picture.precision);
      call('SetSamplesPerPixel', context, components);
      call('SetPixelRepresentation', context, picture.signed ? 1 : 0);
      call('SetPlanarConfiguration', context, 0);
      call('SetPhotometricInterpretation', context, components === 1 ? MONOCHROME2 : RGB);
      call('SetEncodedBufferSize', context, picture.bytes.length);
      new Uint8Array(memory.buffer).set(picture.bytes, call('GetEncodedBuffer', context));
      const parameters = call('CreateDecoderParameters');
      call('SetConvertColorspaceToRgb', parameters, components === 1 ? 0 : 1);
      try {
        call(FUNCTIONS[picture.codec], context, parameters);
        const [warning] = warnings;
        if (warning !== undefined) throw new Error(warning);
        const from = call('GetDecodedBuffer', context);
        const length = call('GetDecodedBufferSize', context);
        if (length !== picture.rows * picture.columns * components * cellBytes(picture)) {
          throw new Error(`The codec gave ${length} bytes.`);
        }
        // Released below, but not overwritten before the next call.
        return new Uint8Array(memory.buffer, from, length);
      } finally {
        call('ReleaseDecoderParameters', parameters);
        call('ReleaseCodecsContext', context);
      }
    },
  };
}

/**
 * What is to be taken as damage among the codecs' remarks: they go on after damage, fill in grey and only
 * mention it. A byte or two of padding before the end of a JPEG and markers unknown to OpenJPEG are no damage.
 */
function complaintOf(line: string): string | undefined {
  const jpeg = /Corrupt JPEG data: (.*)/.exec(line)?.[1];
  if (jpeg !== undefined) return /^[12] extraneous bytes before marker 0xd9/.test(jpeg) ? undefined : jpeg;
  const openJpeg = /CallbackWarning::(.*)/s.exec(line)?.[1];
  if (openJpeg !== undefined) return /^Unknown marker/.test(openJpeg) ? undefined : openJpeg;
  return /Premature end of|Unsupported marker type|Error decoding a codeblock|ojph warning/.test(line)
    ? line
    : undefined;
}

/** Instantiates the module with the few services of a C library that the codecs ask for. */
function link(
  module: WebAssembly.Module,
  onLine: (line: string) => void,
): { memory: WebAssembly.Memory; api: Exports } {
  let memory: WebAssembly.Memory | undefined;
  const heap = () => {
    if (memory === undefined) throw new Error('The codecs used their memory before they had one.');
    return memory.buffer;
  };
  const text = (at: number, length: number) => Buffer.from(heap(), at, length).toString('latin1');
  const nothing = () => 0;
  const imports: WebAssembly.Imports = {
    env: {
      emscripten_notify_memory_growth: nothing,
      onCodecsInfo: (at: number, length: number) => onLine(text(at, length)),
      onCodecsTrace: nothing,
      onCodecsException: (at: number, length: number) => {
        throw new Error(text(at, length));
      },
    },
    wasi_snapshot_preview1: {
      proc_exit: (code: number) => {
        throw new Error(`The codec exited with ${code}.`);
      },
      clock_time_get: (_clock: number, _precision: bigint, at: number) => {
        new DataView(heap()).setBigUint64(at, BigInt(Date.now()) * 1_000_000n, true);
        return 0;
      },
      environ_sizes_get: (count: number, bytes: number) => {
        const view = new DataView(heap());
        view.setUint32(count, 0, true);
        view.setUint32(bytes, 0, true);
        return 0;
      },
      environ_get: nothing,
      fd_close: nothing,
      fd_seek: nothing,
      // What a C library prints: OpenJPH speaks here of damage that it went over.
      fd_write: (_file: number, pieces: number, count: number, written: number) => {
        const view = new DataView(heap());
        let length = 0;
        for (let piece = 0; piece < count; piece++) {
          const size = view.getUint32(pieces + 8 * piece + 4, true);
          onLine(text(view.getUint32(pieces + 8 * piece, true), size));
          length += size;
        }
        view.setUint32(written, length, true);
        return 0;
      },
    },
  };
  const { exports } = new WebAssembly.Instance(module, imports);
  if (!(exports.memory instanceof WebAssembly.Memory)) throw new Error('The codecs export no memory.');
  memory = exports.memory;
  return { memory, api: exports as unknown as Exports };
}
