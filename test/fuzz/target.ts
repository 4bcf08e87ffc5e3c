import { DeepHealthError } from '../../src/errors/error.ts';
import type { FuzzRandom } from './random.ts';

/** One door through which bytes from outside come in. */
export interface FuzzTarget {
  readonly name: string;
  /** Milliseconds of processor time after which a case counts as a hang. */
  readonly limitMs: number;
  /** Share of the cases of a run over all targets. */
  readonly weight: number;
  /**
   * `disposable`: an endless loop or a trap in here is what production's worker and its time limit are for.
   * It is counted, and the process thrown away; it is no defect. Default false.
   */
  readonly disposable?: boolean;
  open(): Promise<OpenTarget>;
}

export interface OpenTarget {
  /** The input of a case. */
  make(random: FuzzRandom): Uint8Array;
  /** What came of an input, in a word. Whatever it throws is a defect. */
  run(input: Uint8Array): Promise<string> | string;
  close(): Promise<void>;
}

/** The code of a refusal in our own words, or what the work says; anything else that is thrown comes through. */
export async function outcomeOf(work: () => Promise<string> | string): Promise<string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DeepHealthError && !error.code.startsWith('internal.')) return error.code;
    throw error;
  }
}

/** Cuts an input into pieces as a network might; the same input is always cut the same way. */
export function* cutUp(bytes: Uint8Array): Generator<Buffer> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let state = bytes.length * 2_654_435_761;
  for (let at = 0; at < whole.length; ) {
    state = (state * 1_103_515_245 + 12_345 + (whole[at] ?? 0)) >>> 0;
    const sizes = [1, 2, 3, 7, 61, 512, 4096, whole.length];
    const size = sizes[(state >>> 16) % sizes.length] ?? 1;
    yield whole.subarray(at, at + size);
    at += size;
  }
}
