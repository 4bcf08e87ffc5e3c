import { readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { openNetwork } from '../src/ai/engine/network.ts';
import { FEATURES, MAP_SIDE } from '../src/ai/folder.ts';
import { runChild } from './child.ts';
import { MODEL } from './model.ts';
import { productGraph } from './onnx-graph.ts';
import { type BenchOptions, type Row, rate, round } from './row.ts';
import { inTurns } from './timing.ts';

/** Multiplications and additions of one film: 5.71 × 10⁹ products in the 94 convolutions. */
const FILM_OPERATIONS = 11.42e9;
const SIDE = 299;

const SHAPES = {
  input: { name: 'image', shape: [1, SIDE, SIDE] },
  outputs: { featureMap: { shape: [FEATURES, MAP_SIDE, MAP_SIDE] } },
};

/** The network alone: int8 against float32, and against what the processor can do with bytes. */
export async function benchInference({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  const rounds = quick ? 2 : 15;
  const threads = availableParallelism();
  const bytes = await readFile(join(MODEL, 'backbone.onnx'));
  const network = await openNetwork({ bytes, ...SHAPES }, { threads });
  const batch = quick ? 2 : 8;
  const one = picture(1);
  const several = picture(batch);

  const twin = await floatTwin();
  const float = twin && (await openNetwork({ bytes: twin, ...SHAPES }, { threads, lanes: 1 }));
  if (float === undefined) tell(missing('int8 against float32', 'python3-onnx is not installed'));
  else {
    const lone = await inTurns(
      { int8: () => network.run(one, 1), float: () => float.run(one, 1) },
      { rounds, warm: 2 },
    );
    tell({
      what: `int8 against float32, one film at a time, ${threads} threads`,
      measured: `${round(lone.int8)} ms`,
      baseline: `${round(lone.float)} ms (float32 twin of the same network)`,
      value: lone.float / lone.int8,
      target: { least: 2.3 },
    });
    // Side by side, a thread each, as `classify` and the daemon run it.
    const films = quick ? 4 : 16;
    const sideBySide = async () => {
      let next = 0;
      const lane = async () => {
        while (next < films) {
          next += 1;
          await network.run(one, 1);
        }
      };
      await Promise.all(Array.from({ length: network.lanes }, lane));
    };
    const many = await inTurns(
      {
        lanes: sideBySide,
        float: async () => {
          for (let done = 0; done < films; done += batch) await float.run(several, batch);
        },
      },
      { rounds: quick ? 1 : 5 },
    );
    tell({
      what: `int8 side by side against float32 in batches of ${batch}`,
      measured: rate((films * 1000) / many.lanes),
      baseline: rate((films * 1000) / many.float),
      value: many.float / many.lanes,
      target: { least: 2.3 },
    });
    await float.close();
    await tellSettings(bytes, { threads, quick, tell });
    await tellShare(sideBySide, films, { threads, quick, tell });
  }
  await network.close();
}

/** Threads, batches and lanes of the shipped network: where the defaults come from. */
async function tellSettings(
  bytes: Uint8Array,
  { threads, quick, tell }: { threads: number; quick: boolean; tell: (row: Row) => void },
): Promise<void> {
  const settings = [
    { threads: 1, lanes: 1, batch: 1 },
    { threads: 1, lanes: 1, batch: 8 },
    { threads, lanes: 1, batch: 1 },
    { threads, lanes: 1, batch: 4 },
    { threads, lanes: 1, batch: 16 },
    { threads, lanes: threads, batch: 1 },
    { threads, lanes: threads, batch: 4 },
  ];
  const opened = await Promise.all(
    settings.map(async (setting) => ({
      setting,
      network: await openNetwork({ bytes, ...SHAPES }, { ...setting, batch: 16 }),
    })),
  );
  const works = Object.fromEntries(
    opened.map(({ setting, network }, index) => {
      const films = picture(setting.batch);
      return [
        index,
        () => Promise.all(Array.from({ length: setting.lanes }, () => network.run(films, setting.batch))),
      ];
    }),
  );
  const found = await inTurns(works, { rounds: quick ? 1 : 6 });
  const perSecond = settings.map(({ lanes, batch }, index) => (1000 * lanes * batch) / (found[index] ?? 1));
  const first = perSecond[0] ?? 1;
  settings.forEach((setting, index) => {
    const films = perSecond[index] ?? 0;
    tell({
      what: `${setting.threads} ${setting.threads === 1 ? 'thread' : 'threads'}, ${setting.lanes} ${setting.lanes === 1 ? 'pass' : 'passes'} at once, ${setting.batch} a pass`,
      measured: rate(films),
      baseline: `${rate(first)} (1 thread, 1 film)`,
      value: films / first,
    });
  });
  await Promise.all(opened.map(({ network }) => network.close()));
}

/** The share of the rate of a large product of bytes, the thing that the network's time goes into. */
async function tellShare(
  sideBySide: () => Promise<unknown>,
  films: number,
  { threads, quick, tell }: { threads: number; quick: boolean; tell: (row: Row) => void },
): Promise<void> {
  const side = 1024;
  const products = quick ? 2 : 40;
  const cells = side * side;
  const lefts = {
    bytes: new ort.Tensor(
      'uint8',
      Uint8Array.from({ length: cells }, (_, i) => (i * 31) % 256),
      [side, side],
    ),
    float: new ort.Tensor(
      'float32',
      Float32Array.from({ length: cells }, (_, i) => (i % 17) / 17),
      [side, side],
    ),
  };
  const product = async (kind: keyof typeof lefts) => {
    const session = await ort.InferenceSession.create(productGraph(kind, side, side, side), {
      intraOpNumThreads: threads,
      executionProviders: ['cpu'],
    });
    return async () => {
      for (let n = 0; n < products; n += 1) await session.run({ left: lefts[kind] });
    };
  };
  const found = await inTurns(
    { network: sideBySide, bytes: await product('bytes'), float: await product('float') },
    { rounds: quick ? 1 : 7 },
  );
  const operations = products * 2 * side ** 3;
  const reached = (films * FILM_OPERATIONS) / found.network / 1e6;
  const possible = operations / found.bytes / 1e6;
  tell({
    what: 'int8 network against the rate of a product of bytes (1,024³, onnxruntime)',
    measured: `${round(reached)} GOP/s (${rate((films * 1000) / found.network)})`,
    baseline: `${round(possible)} GOP/s; float32 ${round(operations / found.float / 1e6)} GFLOP/s`,
    value: (100 * reached) / possible,
    target: { least: 75, unit: '%' },
  });
}

/** Grey pictures with structure: zeros would be quicker in some kernels. */
function picture(count: number): Float32Array {
  return Float32Array.from({ length: count * SIDE * SIDE }, (_, i) => ((i * 31) % 255) / 255);
}

/** The network's float32 twin, made by python3-onnx from the shipped file; undefined without it. */
async function floatTwin(): Promise<Uint8Array | undefined> {
  const to = join(tmpdir(), `deep-health-twin-${process.pid}.onnx`);
  const script = join(import.meta.dirname, 'baselines/float-twin.py');
  const { code } = await runChild('/usr/bin/python3', [script, join(MODEL, 'backbone.onnx'), to]).catch(
    () => ({ code: null }),
  );
  if (code !== 0) return undefined;
  try {
    return await readFile(to);
  } finally {
    await rm(to, { force: true });
  }
}

function missing(what: string, why: string): Row {
  return { what, measured: 'not measured', baseline: why, value: null };
}
