import { parentPort, workerData } from 'node:worker_threads';
import { DeepHealthError } from '../../../errors/error.ts';
import { type Codecs, cellBytes, codecsMaker } from './codecs.ts';
import { fitCells, toCells } from './fit.ts';
import type { DecodeJob, DecodeReply } from './job.ts';
import { decodeRle } from './rle.ts';

/** Thread that decodes one frame after the other; `workerData` is the compiled codecs. */

const makeCodecs = codecsMaker(workerData as WebAssembly.Module);
let codecs: Codecs | undefined;

parentPort?.on('message', (job: DecodeJob) => {
  const reply = answer(job);
  parentPort?.postMessage(reply, reply.kind === 'decoded' ? [reply.samples.buffer] : []);
});

function answer(job: DecodeJob): DecodeReply {
  try {
    const samples = decode(job);
    const clamped = job.codec === 'rle' ? 0 : fitCells(samples, job);
    return { kind: 'decoded', samples, clamped, heapBytes: codecs?.heapBytes() ?? 0 };
  } catch (error) {
    const heapBytes = codecs?.heapBytes() ?? 0;
    // A codec that was left by an exception keeps its locks and its memory: it is not used again.
    codecs = undefined;
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

function decode(job: DecodeJob): Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> {
  const { codec } = job;
  if (codec === 'rle') return decodeRle(job.bytes, job.rows * job.columns);
  codecs ??= makeCodecs();
  const picture = { ...job, codec };
  return toCells(codecs.decode(picture), cellBytes(picture), job);
}

/** What the codec said, short and without line breaks; codecs speak of markers and lengths only. */
function printable(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replace(/[^ -~]+/g, ' ')
    .trim()
    .slice(0, 160);
}
