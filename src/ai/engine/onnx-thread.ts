import { parentPort } from 'node:worker_threads';
import { DeepHealthError } from '../../errors/error.ts';
import type { FromLane, ToLane } from './lane.ts';
import { checkLength } from './network.ts';
import { type OnnxSession, openSession } from './onnx-session.ts';

/** Thread of one lane: it opens the network that it is given first, then answers each pass with its outputs. */

let session: OnnxSession | undefined;

parentPort?.on('message', async (asked: ToLane) => {
  parentPort?.postMessage(await answer(asked));
});

async function answer(asked: ToLane): Promise<FromLane> {
  try {
    if (asked.kind === 'open') {
      session = await openSession(asked.seed);
      // onnxruntime has its own copy, and nothing else here would have these 20 MB collected.
      (asked.seed.bytes.buffer as ArrayBuffer).transfer(0);
      return { kind: 'opened' };
    }
    if (session === undefined) throw new Error('the network is not open');
    await pass(session, asked);
    return { kind: 'ran' };
  } catch (error) {
    const code = error instanceof DeepHealthError ? error.code : 'engine.failed';
    // The cause of ours is what onnxruntime said.
    const said = error instanceof DeepHealthError ? error.cause : error;
    const message = error instanceof DeepHealthError ? error.message : undefined;
    return { kind: 'failed', code, message, said: said instanceof Error ? said.message : String(said) };
  }
}

/** From the room into the room. What onnxruntime gave is freed at once: this thread may wait long for a collection. */
async function pass(open: OnnxSession, { count, room }: Extract<ToLane, { kind: 'run' }>): Promise<void> {
  const each = room.inputs.length / room.count;
  const found = await open.run(room.inputs.subarray(0, count * each), count);
  for (const [name, place] of Object.entries(room.outputs)) {
    const numbers = found[name] as Float32Array<ArrayBuffer>;
    checkLength(name, numbers, (count * place.length) / room.count);
    place.set(numbers);
    numbers.buffer.transfer(0);
  }
}
