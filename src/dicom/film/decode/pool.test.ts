import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createDecoder, type EncodedFrame } from './decoder.ts';
import type { DecodeJob } from './job.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { createPool } from './pool.ts';

/** A worker that does what the first byte of its job says, after this many milliseconds. */
const script = (startTakes = 0) =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId } from 'node:worker_threads';
    await new Promise((resolve) => setTimeout(resolve, ${startTakes}));
    parentPort.on('message', (job) => {
      const order = String.fromCharCode(job.bytes[0]);
      if (order === 'h') for (;;) {}
      if (order === 'e') process.exit(3);
      if (order === 't') throw new Error('a bug');
      const heapBytes = order === 'g' ? 2 ** 40 : 0;
      const answer = () =>
        parentPort.postMessage({ kind: 'decoded', samples: Uint16Array.of(threadId), clamped: 0, heapBytes });
      if (order === 'w') setTimeout(answer, 200);
      else answer();
    });
    parentPort.postMessage({ kind: 'ready' });
  `)}`,
  );

const pool = (size: number, limits: Partial<DecodeLimits> = {}, startTakes = 0) =>
  createPool(size, { ...DEFAULT_DECODE_LIMITS, ...limits }, script(startTakes));

const job = (order: string) => (): DecodeJob => ({
  codec: 'jpeg',
  bytes: Uint8Array.of(order.charCodeAt(0)),
  rows: 1,
  columns: 1,
  precision: 12,
  signed: false,
  lossy: false,
  bitsAllocated: 16,
  bitsStored: 12,
  pixelRepresentation: 0,
  levels: 0,
});

const threadOf = ({ samples }: { samples?: Uint8Array | Uint16Array }) => samples?.[0];

test('a worker that hangs is ended at the time limit, and the next frame decodes', async () => {
  const decoders = pool(1, { milliseconds: 1_500 });
  const hung = decoders.run(job('h'));
  const next = decoders.run(job('a'));
  await assert.rejects(hung, { code: 'pixel.timeout' });
  assert.ok(await next);
  await decoders.close();
});

test('the time limit of a frame begins when its worker has started', async () => {
  const decoders = pool(1, { milliseconds: 400 }, 1_500);
  assert.ok(await decoders.run(job('a')));
  await assert.rejects(decoders.run(job('h')), { code: 'pixel.timeout' });
  await decoders.close();
});

test('a worker that does not start is given up, and its frame may be tried again', async () => {
  const decoders = pool(1, { startMilliseconds: 300 }, 600_000);
  const [first, second] = [decoders.run(job('a')), decoders.run(job('a'))];
  await assert.rejects(first, { code: 'pixel.busy' });
  await assert.rejects(second, { code: 'pixel.busy' });
  await decoders.close();
});

test('jobs are made when a worker is free, and over when no thread has their memory any more', async () => {
  const decoders = pool(1, { milliseconds: 400 });
  const order: string[] = [];
  const told = (name: string) =>
    decoders
      .run(
        () => {
          order.push(`${name} made`);
          return job(name)();
        },
        (_, reply) => order.push(`${name} over ${reply === undefined ? 'without' : 'with'} a reply`),
      )
      .then(
        () => order.push(`${name} decoded`),
        () => order.push(`${name} failed`),
      );
  await Promise.all([told('w'), told('a'), told('h')]);
  await decoders.close();
  assert.deepEqual(order.slice(0, 6), [
    'w made',
    'w over with a reply',
    'a made',
    'w decoded',
    'a over with a reply',
    'h made',
  ]);
  assert.deepEqual(order.slice(6).toSorted(), ['a decoded', 'h failed', 'h over without a reply']);
});

for (const [order, what] of [
  ['e', 'exits'],
  ['t', 'throws'],
] as const) {
  test(`a worker that ${what} fails its frame only`, async () => {
    const decoders = pool(1);
    const crashed = decoders.run(job(order));
    const next = decoders.run(job('a'));
    await assert.rejects(crashed, { code: 'pixel.decoder-crashed' });
    assert.ok(await next);
    await decoders.close();
  });
}

test('workers are used again, and replaced when their heap has grown or their frames are counted out', async () => {
  const decoders = pool(1, { recycleFrames: 3 });
  const first = threadOf(await decoders.run(job('a')));
  assert.equal(threadOf(await decoders.run(job('a'))), first);
  assert.equal(threadOf(await decoders.run(job('a'))), first);
  const second = threadOf(await decoders.run(job('g')));
  assert.notEqual(second, first);
  assert.notEqual(threadOf(await decoders.run(job('a'))), second);
  await decoders.close();
});

test('frames wait for a worker, more than the limit are refused as busy', async () => {
  const decoders = pool(2, { waiting: 2 });
  await Promise.all([decoders.run(job('w')), decoders.run(job('w'))]);
  const taken = [1, 2, 3, 4].map(() => decoders.run(job('w')));
  await assert.rejects(decoders.run(job('a')), { code: 'pixel.busy' });
  assert.equal(new Set((await Promise.all(taken)).map(threadOf)).size, 2);
  await decoders.close();
});

test('closing fails what is under way and what comes after', async () => {
  const decoders = pool(1);
  const underWay = decoders.run(job('h'));
  const waiting = decoders.run(job('a'));
  const failures = Promise.all([
    assert.rejects(underWay, { code: 'pixel.decoder-closed' }),
    assert.rejects(waiting, { code: 'pixel.decoder-closed' }),
  ]);
  await decoders.close();
  await failures;
  await assert.rejects(decoders.run(job('a')), { code: 'pixel.decoder-closed' });
});

/** 2 × 2 cells of 8 bits as one literal RLE run. */
const rle: EncodedFrame = {
  transferSyntax: '1.2.840.10008.1.2.5',
  format: {
    rows: 2,
    columns: 2,
    bitsAllocated: 8,
    bitsStored: 8,
    highBit: 7,
    pixelRepresentation: 0,
    samplesPerPixel: 1,
    photometricInterpretation: 'MONOCHROME2',
    planarConfiguration: 0,
  },
  fragments: [Uint8Array.of(1, 0, 0, 0, 64, ...new Array<number>(59).fill(0), 3, 9, 8, 7, 6, 0)],
};

test('the input bytes stay the caller’s', async () => {
  const decoder = createDecoder({ workers: 1 });
  const before = rle.fragments[0]?.slice();
  const { samples } = await decoder.decode(rle);
  assert.deepEqual([...samples], [9, 8, 7, 6]);
  assert.deepEqual(rle.fragments[0], before);
  await decoder.close();
});

test('an idle decoder holds up no exit', async () => {
  const program = `
    import { createDecoder } from ${JSON.stringify(new URL('./decoder.ts', import.meta.url).href)};
    const frame = ${JSON.stringify({ ...rle, fragments: [] })};
    frame.fragments = [Uint8Array.from(${JSON.stringify([...(rle.fragments[0] ?? [])])})];
    console.log((await createDecoder().decode(frame)).samples.join());
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    timeout: 50_000,
  });
  assert.equal(stdout.trim(), '9,8,7,6');
});
