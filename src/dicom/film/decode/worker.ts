import { parentPort, workerData } from 'node:worker_threads';
import { DeepHealthError } from '../../../errors/error.ts';
import { type Greys, greysOf } from '../picture/greys.ts';
import { decodePng, readPng } from '../picture/png.ts';
import { type Codecs, cellBytes, codecsMaker } from './codecs.ts';
import { fitCells, toCells } from './fit.ts';
import { handedOver } from './handed-over.ts';
import type { DecodeJob, DecodeReply, DecoderSeed, PictureJob, WorkerWord } from './job.ts';
import { decodeJpegHalf } from './jpeg-dct.ts';
import { jpegDctCoding } from './jpeg-dct-parameters.ts';
import { decodeJpegLossless } from './jpeg-lossless.ts';
import { jpegLosslessCoding } from './jpeg-lossless-parameters.ts';
import { decodeJpegLs } from './jpeg-ls.ts';
import { jpegLsCoding } from './jpeg-ls-parameters.ts';
import { type ReducedCodecs, reducedCodecsMaker } from './reduced-codecs.ts';
import { decodeRle } from './rle.ts';

/** Thread that decodes one frame after the other; it says when it can, and is given the next when it has answered. */

const seed = workerData as DecoderSeed;
const makeCodecs = codecsMaker(seed.heapBytes);
const makeReducedCodecs = reducedCodecsMaker(seed.heapBytes);
let codecs: Codecs | undefined;
let reducedCodecs: ReducedCodecs | undefined;

parentPort?.on('message', async (job: DecodeJob | PictureJob) => {
  const reply = await answer(job);
  say(reply, reply.kind === 'decoded' && reply.samples !== undefined ? handedOver(reply.samples) : []);
});
say({ kind: 'ready' });

function say(word: WorkerWord, given: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(word, given);
}

const heaps = () => (codecs?.heapBytes() ?? 0) + (reducedCodecs?.heapBytes() ?? 0);

async function answer(job: DecodeJob | PictureJob): Promise<DecodeReply> {
  try {
    if ('channels' in job) {
      return { kind: 'decoded', ...decodePicture(job), clamped: 0, heapBytes: heaps() };
    }
    const samples = await decode(job);
    // Of memory that was used before nothing must be left that another film put there.
    if (samples.length !== job.rows * job.columns || 8 * samples.BYTES_PER_ELEMENT !== job.bitsAllocated)
      throw new Error(`${samples.length} samples came`);
    const clamped = job.codec === 'rle' ? 0 : fitCells(samples, job);
    const decoded = { kind: 'decoded', clamped, coloured: 0, heapBytes: heaps() } as const;
    const isShared = samples.buffer instanceof SharedArrayBuffer && samples.buffer === job.memory;
    return isShared ? decoded : { ...decoded, samples };
  } catch (error) {
    const heapBytes = heaps();
    // A codec that was left by an exception keeps its locks and its memory: it is not used again.
    codecs = undefined;
    reducedCodecs = undefined;
    if (error instanceof DeepHealthError) {
      return { kind: 'failed', code: error.code, message: error.message, heapBytes };
    }
    return {
      kind: 'failed',
      code: 'pixel.undecodable',
      message: `The ${job.codec} decoder refused the pixels: ${printable(error)}`,
      heapBytes,
    };
  }
}

async function decode(job: DecodeJob): Promise<Uint8Array | Uint16Array> {
  const { codec, bytes, levels } = job;
  if (codec === 'rle') return decodeRle(bytes, job.rows * job.columns, job.memory);
  const own = decodeOwn(job);
  if (own !== undefined) return own;
  if (levels > 0 && (codec === 'jpeg-2000' || codec === 'htj2k')) {
    reducedCodecs ??= makeReducedCodecs();
    const decoded = await reducedCodecs.decode({ codec, bytes, levels });
    const width = job.precision > 8 ? 2 : 1;
    if (decoded.length !== job.rows * job.columns * width) throw new Error(`${decoded.length} bytes came`);
    return toCells(decoded, width, job);
  }
  codecs ??= makeCodecs();
  const picture = { ...job, codec };
  return toCells(codecs.decode(picture), cellBytes(picture), job);
}

function decodePicture({ codec, bytes, rows, columns, channels }: PictureJob): Greys {
  if (codec === 'png-picture') return decodePng(readPng(bytes));
  const components = channels === 1 ? 1 : 3;
  codecs ??= makeCodecs();
  const cells = codecs.decode({
    ...{ bytes, rows, columns, components },
    codec: 'jpeg',
    precision: 8,
    signed: false,
  });
  return greysOf(new Uint8Array(cells), components);
}

/** JPEG-LS, lossless JPEG and half of other JPEG as films have them; undefined for what is left to the libraries. */
function decodeOwn(job: DecodeJob): Uint8Array | Uint16Array | undefined {
  const samples = job.codec === 'jpeg-ls' ? ownJpegLs(job) : job.codec === 'jpeg' ? ownJpeg(job) : undefined;
  // What was put into the memory of the job is only passed through it then.
  return job.bitsAllocated === 16 && samples instanceof Uint8Array ? Uint16Array.from(samples) : samples;
}

function ownJpegLs({ bytes, rows, columns, memory }: DecodeJob) {
  const coding = jpegLsCoding(bytes);
  return coding?.rows === rows && coding.columns === columns
    ? decodeJpegLs(bytes, coding, memory)
    : undefined;
}

function ownJpeg({ bytes, rows, columns, levels, memory }: DecodeJob) {
  if (levels === 1) {
    const coding = jpegDctCoding(bytes);
    return coding !== undefined && half(coding.rows) === rows && half(coding.columns) === columns
      ? decodeJpegHalf(bytes, coding, memory)
      : undefined;
  }
  const coding = jpegLosslessCoding(bytes);
  return coding?.rows === rows && coding.columns === columns
    ? decodeJpegLossless(bytes, coding, memory)
    : undefined;
}

const half = (size: number) => Math.ceil(size / 2);

/** What the codec said, short and without line breaks; codecs speak of markers and lengths only. */
function printable(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replace(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, 160);
}
