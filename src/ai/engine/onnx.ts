import { DeepHealthError } from '../../errors/error.ts';
import { processors } from '../../machine/processors.ts';
import { openLane } from './lane.ts';
import { bytesOf, type EngineOptions, MOST_LANES, type Network, type NetworkFile } from './network.ts';
import { type OnnxSession, openSession, type SessionSeed } from './onnx-session.ts';

/** One place for a pass: its session is opened when it is first wanted. */
interface Lane {
  readonly threads: number;
  session: Promise<OnnxSession> | undefined;
  /** Whether it ever had one. */
  opened: boolean;
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
  const outputs = Object.fromEntries(
    Object.entries<{ readonly shape: readonly number[] }>(file.outputs).map(([name, { shape }]) => [
      name,
      shape,
    ]),
  );
  const threads = options.threads || processors();
  const count = file.inPlace === true ? 1 : Math.max(1, Math.min(threads, options.lanes ?? MOST_LANES));
  const share = Math.max(1, Math.floor(threads / count));
  const lanes = Array.from(
    { length: count },
    (_, index): Lane => ({
      threads: index === 0 && options.many !== true ? threads : share,
      session: undefined,
      opened: false,
      busy: false,
    }),
  );

  /** The network's bytes while a lane was never opened: its file may be another one by then. */
  let kept: Promise<Uint8Array> | undefined;
  /** Lanes that wait for them. */
  let waiting = 0;

  function sessionOf(lane: Lane): Promise<OnnxSession> {
    lane.session ??= open(lane);
    return lane.session;
  }

  async function open(lane: Lane): Promise<OnnxSession> {
    lane.opened = true;
    kept ??= bytesOf(file);
    waiting += 1;
    const [read] = await Promise.allSettled([kept]);
    waiting -= 1;
    const last = read.status === 'rejected' || (waiting === 0 && lanes.every(({ opened }) => opened));
    if (last) kept = undefined;
    if (read.status === 'rejected') throw read.reason;
    const bytes = read.value;
    const seed: SessionSeed = { bytes, threads: lane.threads, input: file.input, outputs };
    return file.inPlace === true
      ? openSession(seed)
      : openLane(seed, last && typeof file.bytes === 'function');
  }

  const atOnce = options.many === true ? lanes : lanes.slice(0, 1);
  const opened = await Promise.allSettled(atOnce.map(sessionOf));
  const failed = opened.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') {
    for (const each of opened) if (each.status === 'fulfilled') await each.value.close();
    throw failed.reason;
  }

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
      const lane = lanes.find(({ busy }) => !busy) ?? lanes[0];
      if (lane === undefined) throw new DeepHealthError('engine.failed');
      lane.busy = true;
      try {
        return (await (await sessionOf(lane)).run(inputs, films)) as Record<Output, Float32Array>;
      } catch (cause) {
        // What broke is opened again by the next pass.
        const broken = lane.session;
        lane.session = undefined;
        void broken?.then((session) => session.close()).catch(() => {});
        if (cause instanceof DeepHealthError && cause.code === 'model.network') throw cause;
        throw new DeepHealthError('engine.failed', undefined, { cause });
      } finally {
        lane.busy = false;
      }
    },
  };
}
