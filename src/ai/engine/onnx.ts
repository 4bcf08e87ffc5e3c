import { availableParallelism } from 'node:os';
import { DeepHealthError } from '../../errors/error.ts';
import { openLane } from './lane.ts';
import { type EngineOptions, MOST_LANES, type Network, type NetworkFile } from './network.ts';
import { type OnnxSession, openSession, type SessionSeed } from './onnx-session.ts';

/** One place for a pass: its session is opened when it is first wanted. */
interface Lane {
  readonly threads: number;
  session: Promise<OnnxSession> | undefined;
  busy: boolean;
}

/**
 * onnxruntime on the processor, a lane a thread (docs/decisions/0114). A lone pass has all threads, so that one
 * film is quick. Those that run beside it have their share of the threads and wait for nobody in the middle of a
 * layer. Operators run one after the other and sums do not depend on the threads: the same input gives the same
 * bytes in every lane.
 */
export async function openOnnx<Output extends string>(
  file: NetworkFile<Output>,
  options: EngineOptions,
): Promise<Network<Output>> {
  const names = Object.keys(file.outputs) as Output[];
  const threads = options.threads || availableParallelism();
  const count = file.inPlace === true ? 1 : Math.max(1, Math.min(threads, options.lanes ?? MOST_LANES));
  const share = Math.max(1, Math.floor(threads / count));
  const seed = (ofThreads: number): SessionSeed => ({
    ...{ bytes: file.bytes, threads: ofThreads, input: file.input, outputs: names },
  });
  const openFor = file.inPlace === true ? openSession : openLane;
  const lanes = Array.from(
    { length: count },
    (_, index): Lane => ({ threads: index === 0 ? threads : share, session: undefined, busy: false }),
  );

  function sessionOf(lane: Lane): Promise<OnnxSession> {
    lane.session ??= openFor(seed(lane.threads));
    return lane.session;
  }

  const [first] = lanes;
  if (first !== undefined) await sessionOf(first);

  return {
    backend: 'onnxruntime cpu',
    lanes: count,
    async close() {
      const open = lanes.flatMap(({ session }) => (session === undefined ? [] : [session]));
      for (const session of await Promise.allSettled(open)) {
        if (session.status === 'fulfilled') await session.value.close();
      }
    },
    async run(inputs, films) {
      const lane = lanes.find(({ busy }) => !busy) ?? first;
      if (lane === undefined) throw new DeepHealthError('engine.failed');
      lane.busy = true;
      try {
        return (await (await sessionOf(lane)).run(inputs, films)) as Record<Output, Float32Array>;
      } catch (cause) {
        // What broke is opened again by the next pass.
        const broken = lane.session;
        lane.session = undefined;
        void broken?.then((session) => session.close()).catch(() => {});
        throw new DeepHealthError('engine.failed', undefined, { cause });
      } finally {
        lane.busy = false;
      }
    },
  };
}
