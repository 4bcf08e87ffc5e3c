import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadModel } from '../src/ai/classify.ts';
import { createDecoder } from '../src/dicom/film/decode/decoder.ts';
import { openFilm } from '../src/dicom/film/open.ts';
import { openDataFolder } from '../src/intake/data-folder.ts';
import { openLedger } from '../src/ledger/ledger.ts';
import { openQueue } from '../src/queue/open.ts';
import { study } from '../test/contracts/studies.ts';
import { push, startDaemon, type TestDaemon } from '../test/e2e/daemon.ts';
import { filmFile, mixedFolder, renumber } from './films.ts';
import { fillLedger } from './full-ledger.ts';
import { MODEL } from './model.ts';
import { canPin, pinned } from './pinned.ts';
import { type BenchOptions, ms, type Row, rate } from './row.ts';
import { inTurns } from './timing.ts';
import { startWay } from './way.ts';

/** What more readers bring, what a full ledger costs, what larger films cost. */
export async function benchGrowth(options: BenchOptions, tell: (row: Row) => void): Promise<void> {
  await readers(options, tell);
  await rows(options, tell);
  await sizes(options, tell);
}

/** One reader on one core, then two on one each, on the same queue of studies. */
async function readers({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  if (availableParallelism() < 2 || !(await canPin())) {
    tell({
      what: 'two readers',
      measured: 'not measured',
      baseline: 'two cores and taskset needed',
      value: null,
    });
    return;
  }
  const count = quick ? 5 : 120;
  const { files } = await mixedFolder(quick ? 10 : 40);
  const films = await Promise.all(files.map((file) => readFile(file)));
  const one = await readingRate(films, count, [0]);
  const two = await readingRate(films, count, [0, 1]);
  tell({
    what: `two readers, a core each, against one (${count} mixed studies in the queue)`,
    measured: rate(two, 'studies'),
    baseline: `${rate(one, 'studies')} by one reader on one core`,
    value: two / one,
    target: { least: 1.7 },
  });
}

/** Studies read a second by readers on these cores, once all of them are at work. */
async function readingRate(
  films: readonly Uint8Array[],
  count: number,
  cores: readonly number[],
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'deep-health-readers-'));
  const config = { model: {}, observe: { log: { level: 'info', pretty: 'never' } } };
  const started: TestDaemon[] = [];
  try {
    const intake = await startDaemon({ folder, role: 'intake', config });
    started.push(intake);
    for (let number = 0; number < count; number += 1) {
      const film = Uint8Array.from(films[number % films.length] ?? []);
      renumber(film, number);
      const answer = await push(intake.url, film);
      if (answer.status !== 200) throw new Error(`a push was answered with ${answer.status}`);
      await answer.body?.cancel();
    }
    const work = cores.map((core) => pinnedReader(core, folder, config));
    for (const reader of work) started.push(await reader);
    const reads = () =>
      started
        .flatMap(({ log }) => log)
        .filter(({ msg }) => msg === 'Read and reported')
        .map(({ time }) => Date.parse(String(time)))
        .toSorted((a, b) => a - b);
    const end = performance.now() + 300_000;
    while (reads().length < count && performance.now() < end) await sleep(20);
    const ready = Math.max(
      ...started
        .flatMap(({ log }) => log)
        .filter(({ msg }) => msg === 'Ready')
        .map(({ time }) => Date.parse(String(time))),
    );
    const timed = reads().filter((time) => time > ready + 500);
    const seconds = ((timed.at(-1) ?? 0) - (timed[0] ?? 0)) / 1000;
    return (timed.length - 1) / seconds;
  } finally {
    for (const daemon of started) await daemon.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

let last: Promise<unknown> = Promise.resolve();

/** This process moves to the core to start the reader there, so one at a time. */
function pinnedReader(
  core: number,
  folder: string,
  config: Readonly<Record<string, unknown>>,
): Promise<TestDaemon> {
  const mine = last.then(() => pinned(core, () => startDaemon({ folder, role: 'read', config })));
  last = mine.catch(() => {});
  return mine;
}

/** The same study's way through ledgers of different fullness, in turns. */
async function rows({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  const fullness = quick ? [1000, 20_000] : [1000, 100_000, 1_000_000];
  const folder = await mkdtemp(join(tmpdir(), 'deep-health-rows-'));
  try {
    const files = await openDataFolder(folder);
    const opened = [];
    for (const count of fullness) {
      const file = join(folder, `${count}.sqlite`);
      const first = await openLedger(file);
      const queue = await openQueue('embedded', { ledger: first, worker: 'bench' });
      const way = await startWay(first, queue, files);
      await way.walk(1);
      await way.stop();
      await queue.close();
      await first.close();
      fillLedger(file, study(1), count);
      const ledger = await openLedger(file);
      const again = await openQueue('embedded', { ledger, worker: 'bench' });
      opened.push({ count, ledger, queue: again, way: await startWay(ledger, again, files) });
    }
    let number = 1;
    const next = () => {
      number += 1;
      return number;
    };
    const works = Object.fromEntries(opened.map(({ count, way }) => [String(count), () => way.walk(next())]));
    const costs = await inTurns(works, { rounds: quick ? 5 : 80, warm: 5 });
    const pages = Object.fromEntries(
      opened.map(({ count, ledger }) => [
        String(count),
        async () => {
          const page = await ledger.studies.list({ limit: 100 });
          if (page.next !== null) await ledger.studies.list({ limit: 100, cursor: page.next });
        },
      ]),
    );
    const lists = await inTurns(pages, { rounds: quick ? 3 : 30, warm: 2 });
    const least = String(fullness[0]);
    for (const count of fullness.slice(1)) {
      const text = count.toLocaleString('en');
      tell({
        what: `a study’s way through a ledger of ${text} studies (SQLite)`,
        measured: ms(costs[String(count)] ?? Number.NaN),
        baseline: `${ms(costs[least] ?? Number.NaN)} with 1,000`,
        value: (costs[String(count)] ?? Number.NaN) / (costs[least] ?? Number.NaN),
        target: { most: 1.25 },
      });
      tell({
        what: `the first two pages of 100 of its list`,
        measured: ms(lists[String(count)] ?? Number.NaN),
        baseline: `${ms(lists[least] ?? Number.NaN)} with 1,000`,
        value: (lists[String(count)] ?? Number.NaN) / (lists[least] ?? Number.NaN),
        target: { most: 1.5 },
      });
    }
    for (const { way, queue, ledger } of opened) {
      await way.stop();
      await queue.close();
      await ledger.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Bytes to reading, uncompressed, by the film's size. */
async function sizes({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  const plates = [
    { width: 1024, height: 1250 },
    { width: 2048, height: 2500 },
    { width: 3072, height: 3750 },
  ];
  const model = await loadModel(MODEL);
  const decoder = createDecoder();
  const works: Record<string, () => Promise<unknown>> = {};
  for (const plate of plates) {
    const bytes = await readFile((await filmFile(1, 'uncompressed', plate)) ?? '');
    works[`${plate.width} × ${plate.height}`] = async () => model.read([await openFilm(bytes, { decoder })]);
  }
  const found = await inTurns(works, { rounds: quick ? 2 : 15, warm: 2 });
  const names = Object.keys(found);
  const middle = names[1] ?? '';
  for (const name of names) {
    tell({
      what: `one film of ${name}, bytes to reading, alone`,
      measured: ms(found[name] ?? Number.NaN),
      baseline: `${ms(found[middle] ?? Number.NaN)} for ${middle}`,
      value: (found[name] ?? Number.NaN) / (found[middle] ?? Number.NaN),
    });
  }
  await decoder.close();
  await model.close();
}
