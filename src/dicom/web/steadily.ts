import type { Readable } from 'node:stream';
import { DeepHealthError } from '../../errors/error.ts';

/** What a sender has to keep to. */
export interface Pace {
  readonly requestBytes: number;
  readonly idleMs: number;
  readonly minBytesPerSecond: number;
}

/**
 * The pieces of a request's body, from a sender that keeps going: `receive.stalled` when it pauses longer
 * than `idleMs`, or is slower than `minBytesPerSecond` once it was waited for that long in all;
 * `receive.too-large` over `requestBytes`; `multipart.cut-off` when the connection breaks. Time that our own
 * side takes between pieces does not count. The stream is left open, so that an answer can still be sent.
 */
export async function* steadily(body: Readable, pace: Pace): AsyncGenerator<Uint8Array, void, undefined> {
  const input = body.iterator({ destroyOnReturn: false });
  let size = 0;
  let waited = 0;
  for (;;) {
    const since = performance.now();
    const step = await inTime(input.next(), pace.idleMs);
    waited += performance.now() - since;
    if (step.done === true) return;
    const chunk = step.value as Buffer;
    size += chunk.length;
    if (size > pace.requestBytes) throw new DeepHealthError('receive.too-large');
    const tooSlow = waited > pace.idleMs && size < (pace.minBytesPerSecond * waited) / 1000;
    if (tooSlow) throw new DeepHealthError('receive.stalled');
    yield chunk;
  }
}

async function inTime<Step>(next: Promise<Step>, idleMs: number): Promise<Step> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeepHealthError('receive.stalled')), idleMs);
  });
  try {
    return await Promise.race([next, late]);
  } catch (error) {
    if (error instanceof DeepHealthError) throw error;
    throw new DeepHealthError('multipart.cut-off', undefined, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
