import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeMultipart } from '../src/dicom/web/multipart.ts';
import { pacsConfig, startDaemon, type TestDaemon } from '../test/e2e/daemon.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../test/peers/orthanc.ts';
import { inferenceMs } from './bare.ts';
import { mustRun, PROGRAM } from './child.ts';
import { filmFile, mixedFolder, renumber, studyUidOf } from './films.ts';
import { MODEL } from './model.ts';
import { type BenchOptions, ms, type Row, rate } from './row.ts';
import { median, quantile } from './timing.ts';

/** From the last byte of a push to the SR in a real Orthanc on this machine, and how many a second. */
export async function benchDaemon({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  if (!orthancInstalled()) {
    tell({ what: 'push to SR', measured: 'not measured', baseline: 'Orthanc is not installed', value: null });
    return;
  }
  const alone = quick ? 2 : 40;
  const many = quick ? 6 : 240;
  const infer = await inferenceMs(MODEL, quick ? 3 : 20);
  const { folder, files } = await mixedFolder(quick ? 10 : 40);
  const films = await Promise.all(files.map((file) => readFile(file)));
  const orthanc = await startOrthanc();
  try {
    const daemon = await startDaemon({
      config: {
        model: {},
        pacs: [pacsConfig(orthanc)],
        observe: { log: { level: 'info', pretty: 'never' } },
      },
    });
    try {
      const full = await readFile((await filmFile(1, 'uncompressed')) ?? '');
      const waits = await oneAtATime(daemon, full, alone);
      const most = 3 * infer + 250;
      tell({
        what: 'last byte of the push to all SRs and the heat map in Orthanc, one study at a time: p50',
        measured: ms(median(waits)),
        baseline: `${ms(infer)}: one inference alone`,
        value: median(waits),
        target: { most, unit: 'ms' },
        note: `the target is 3 × inference + 250 ms. ${alone} studies of one uncompressed film of 12 bits, 2,048 × 2,500; in it the 100 ms of the wait for a quiet sender (server.settle), in which the film is read`,
      });
      tell({
        what: 'the same: p95',
        measured: ms(quantile(waits, 0.95)),
        baseline: ms(infer),
        value: quantile(waits, 0.95) / infer,
      });

      const loaded = await saturated(daemon, films, many);
      const classify = await classifyRate(folder, files.length);
      tell({
        what: `throughput at saturation (${many} mixed studies, eight on the way at any time)`,
        measured: rate(loaded.perSecond, 'studies'),
        baseline: `${rate(classify)} by classify --out on the same films`,
        value: (100 * loaded.perSecond) / classify,
        target: { least: 80, unit: '%' },
        note: `Orthanc runs on the same ${availableParallelism()} cores and so does the sender; classify has them for itself`,
      });
      tell({
        what: 'last byte to SR at saturation: p50, p95',
        measured: `${ms(median(loaded.waits))}, ${ms(quantile(loaded.waits, 0.95))}`,
        baseline: `${ms(infer)}: one inference alone`,
        value: median(loaded.waits) / infer,
      });
      const stored = await instancesIn(orthanc);
      const expected = 3 * (alone + many + 1);
      if (stored !== expected) throw new Error(`Orthanc holds ${stored} results instead of ${expected}.`);
    } finally {
      await daemon.remove();
    }
  } finally {
    await orthanc.stop();
  }
}

/** When the log said that everything of a study was delivered, in the order of the log; each line is looked at once. */
function deliveredAt(daemon: TestDaemon): readonly number[] {
  const known = DELIVERED.get(daemon) ?? { lines: 0, times: [] };
  DELIVERED.set(daemon, known);
  for (; known.lines < daemon.log.length; known.lines += 1) {
    const line = daemon.log[known.lines];
    if (line?.msg === 'Everything of the study is delivered') known.times.push(timeOf(line.time));
  }
  return known.times;
}

const DELIVERED = new WeakMap<TestDaemon, { lines: number; readonly times: number[] }>();

const timeOf = (time: unknown) => (typeof time === 'number' ? time : Date.parse(String(time)));

async function delivered(daemon: TestDaemon, count: number): Promise<readonly number[]> {
  const end = performance.now() + 180_000;
  for (;;) {
    const times = deliveredAt(daemon);
    if (times.length >= count) return times;
    if (performance.now() > end) throw new Error(`only ${times.length} of ${count} studies were delivered`);
    await sleep(5);
  }
}

/** Milliseconds from the last byte sent to the last delivery, study after study. */
async function oneAtATime(daemon: TestDaemon, film: Uint8Array, count: number): Promise<number[]> {
  const waits: number[] = [];
  for (let n = 0; n <= count; n += 1) {
    renumber(film, n);
    const sentAt = await send(daemon, film);
    const at = (await delivered(daemon, n + 1))[n] ?? Number.NaN;
    // The first study warms everything up.
    if (n > 0) waits.push(at - sentAt);
  }
  return waits;
}

/** A closed loop: whenever a study is delivered the next is pushed. */
async function saturated(
  daemon: TestDaemon,
  films: readonly Uint8Array[],
  count: number,
): Promise<{ perSecond: number; waits: number[] }> {
  const ON_THE_WAY = 8;
  const before = deliveredAt(daemon).length;
  const sent = new Map<string, number>();
  const began = Date.now();
  let next = 0;
  const sender = async () => {
    while (next < count) {
      const number = next;
      next += 1;
      while (number - (deliveredAt(daemon).length - before) >= ON_THE_WAY) await sleep(2);
      // Far fewer are on the way than there are films: none is renumbered while it is sent.
      const film = films[number % films.length] ?? new Uint8Array();
      renumber(film, 100_000 + number);
      sent.set(studyUidOf(100_000 + number), await send(daemon, film));
    }
  };
  await Promise.all([sender(), sender()]);
  const times = await delivered(daemon, before + count);
  const seconds = ((times.at(-1) ?? Number.NaN) - began) / 1000;
  const waits: number[] = [];
  for (const [study, at] of sent) {
    const row = await daemon.study(study);
    const event = row?.events.find(({ kind }) => kind === 'delivered') as { at?: unknown } | undefined;
    waits.push(timeOf(event?.at) - at);
  }
  return { perSecond: count / seconds, waits };
}

/** Pushes a film; gives when its last byte was handed over, taken as the moment before the answer's wait. */
async function send(daemon: TestDaemon, film: Uint8Array): Promise<number> {
  const sent = performance.now();
  const status = await push(daemon.url, film);
  const answered = Date.now();
  if (status !== 200) throw new Error(`the push was answered with ${status}`);
  // The kernel takes the whole body at once on the loopback: counted from the beginning, to be on the safe side.
  return answered - (performance.now() - sent);
}

const AGENT = new Agent({ keepAlive: true });

/** The status of the answer. Copies nothing: what the sender does is taken from the processors that are measured. */
async function push(url: string, film: Uint8Array): Promise<number> {
  const message = writeMultipart('application/dicom', [
    { contentType: 'application/dicom', size: film.length, open: () => [film] },
  ]);
  const posted = request(`${url}/dicom-web/studies`, {
    agent: AGENT,
    method: 'POST',
    headers: {
      'content-type': message.contentType,
      'content-length': message.contentLength,
      accept: 'application/dicom+json',
    },
  });
  const answered = once(posted, 'response') as Promise<[IncomingMessage]>;
  for await (const piece of message.stream()) posted.write(piece);
  posted.end();
  const [answer] = await answered;
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode ?? 0;
}

async function classifyRate(folder: string, count: number): Promise<number> {
  const out = `${folder}-results`;
  const { wallMs } = await mustRun(process.execPath, [PROGRAM, 'classify', folder, '--out', out]);
  return (count * 1000) / wallMs;
}

async function instancesIn(orthanc: Orthanc): Promise<number> {
  const found = (await orthanc.rest('/statistics')) as { CountInstances: number };
  return found.CountInstances;
}
