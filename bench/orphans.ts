/**
 * What the hourly sweep for files without a row costs in a data folder that is as full as it may be: time, processor
 * time, the longest that the event loop was held up, and memory.
 *
 *     node bench/orphans.ts [files]
 *
 * So many results in `results/`, and so many studies with one film each in `films/` (default 100,000): first all of
 * them recorded, then all results without a row, swept twice, which removes them.
 */
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DataFolder, openDataFolder, studyFolderName } from '../src/intake/data-folder.ts';
import { createOrphans } from '../src/intake/orphans.ts';
import { openLedger } from '../src/ledger/ledger.ts';

const FILES = Number(process.argv[2] ?? 100_000);

const folder = await openDataFolder(await mkdtemp(join(tmpdir(), 'dh-orphans-')));
const ledgerFile = join(folder.path, 'ledger.sqlite');
const ledger = await openLedger(ledgerFile);
try {
  await fill(folder);
  const orphans = createOrphans(folder, ledger);
  await measured('all recorded', () => orphans.sweep());
  const database = new DatabaseSync(ledgerFile);
  database.exec('update objects set path = null');
  database.close();
  await measured('no result recorded, first sweep', () => orphans.sweep());
  await measured('second sweep', () => orphans.sweep());
} finally {
  await ledger.close();
  await rm(folder.path, { recursive: true });
}

async function fill({ films, results, relative }: DataFolder): Promise<void> {
  const database = new DatabaseSync(ledgerFile);
  database.exec('pragma synchronous = off; begin');
  const study = database.prepare(
    `insert into studies (study_uid, run, state, priority, source_kind, fence, deaths, attempts, instance_count,
      film_count, noticed_at, changed_at) values (?, 1, 'delivered', 1, 'receive', 0, 0, 0, 1, 1, 0, 0)`,
  );
  const instance = database.prepare(
    `insert into instances (study_uid, sop_uid, series_uid, sop_class_uid, role, location_kind, location, seen_at)
      values (?, ?, '1.2', '1.2', 'film', 'file', ?, 0)`,
  );
  const object = database.prepare(
    `insert into objects (study_uid, run, kind, uid, path, sha256, bytes, made_at)
      values (?, 1, 'heat-map', ?, ?, '', 0, 0)`,
  );
  for (let number = 0; number < FILES; number++) {
    const uid = `2.25.${number}`;
    const home = join(films, studyFolderName(uid));
    const [film, result] = [join(home, `${number}.dcm`), join(results, `${number}.dcm`)];
    await mkdir(home);
    for (const path of [film, result]) await (await open(path, 'wx')).close();
    study.run(uid);
    instance.run(uid, `${uid}.1`, relative(film));
    object.run(uid, `${uid}.2`, relative(result));
  }
  database.exec('commit');
  database.close();
}

async function measured(what: string, sweep: () => Promise<number>): Promise<void> {
  await sleep(500);
  const before = process.memoryUsage();
  let [rss, heap] = [before.rss, before.heapUsed];
  const sampler = setInterval(() => {
    const now = process.memoryUsage();
    rss = Math.max(rss, now.rss);
    heap = Math.max(heap, now.heapUsed);
  }, 50);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const removed = await sweep();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  delay.disable();
  clearInterval(sampler);
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  process.stdout.write(
    `${what}: ${seconds.toFixed(1)} s, processor ${((user + system) / 1e6).toFixed(1)} s, ${removed} removed; ` +
      `event loop p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, longest ${(delay.max / 1e6).toFixed(1)} ms; ` +
      `resident +${mib(rss - before.rss)}, heap +${mib(heap - before.heapUsed)}\n`,
  );
}
