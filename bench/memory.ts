import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { pacsConfig, push, startDaemon } from '../test/e2e/daemon.ts';
import { orthancInstalled, startOrthanc } from '../test/peers/orthanc.ts';
import { peakOf, residentOf } from './child.ts';
import { mixedFolder, renumber } from './films.ts';
import { limits } from './limits.ts';
import { type BenchOptions, mebibytes, type Row, rate } from './row.ts';

const GIBIBYTE = 2 ** 30;

/** A thousand studies through the whole daemon with one processor and one gigabyte. */
export async function benchMemory({ quick }: BenchOptions, tell: (row: Row) => void): Promise<void> {
  if (!orthancInstalled()) {
    tell({ what: 'memory', measured: 'not measured', baseline: 'Orthanc is not installed', value: null });
    return;
  }
  const count = quick ? 6 : 1000;
  const group = limits({ processors: 1, bytes: GIBIBYTE });
  const { files } = await mixedFolder(quick ? 10 : 40);
  const films = await Promise.all(files.map((file) => readFile(file)));
  const orthanc = await startOrthanc();
  try {
    const start = () =>
      startDaemon({
        config: {
          model: {},
          pacs: [pacsConfig(orthanc)],
          observe: { log: { level: 'info', pretty: 'never' } },
        },
      });
    const daemon = await (group === undefined ? start() : group.inside(start));
    try {
      const pid = daemon.child.pid ?? 0;
      const idle = residentOf(pid);
      const began = performance.now();
      let next = 0;
      const deliveries = () =>
        daemon.log.filter(({ msg }) => msg === 'Everything of the study is delivered').length;
      const sender = async () => {
        while (next < count) {
          const number = next;
          next += 1;
          // More than it can take at any time, so that everything is full all the time.
          while (number - deliveries() >= 24 && daemon.child.exitCode === null) await sleep(10);
          const film = Uint8Array.from(films[number % films.length] ?? []);
          renumber(film, number);
          const answer = await push(daemon.url, film);
          if (answer.status !== 200) throw new Error(`a push was answered with ${answer.status}`);
          await answer.body?.cancel();
        }
      };
      await Promise.all([sender(), sender(), sender(), sender()]);
      const end = performance.now() + 300_000;
      while (deliveries() < count && performance.now() < end) await sleep(50);
      const seconds = (performance.now() - began) / 1000;
      const done = deliveries();
      const peak = peakOf(pid);
      const kills = group?.kills() ?? 0;
      const where =
        group === undefined
          ? `no limit: a cgroup could not be made here; ${availableParallelism()} processors`
          : `in ${group.how} of 1 processor and 1 GiB`;
      tell({
        what: `largest resident memory of the daemon over ${count} mixed studies, everything full all the time`,
        measured: mebibytes(peak),
        baseline: `${mebibytes(idle)} before the first study`,
        value: peak / 1e6,
        target: { most: 450, unit: 'MB' },
        note: `${where}; results go to an Orthanc outside of it`,
      });
      tell({
        what: `studies that ended delivered, of ${count}`,
        measured: String(done),
        baseline: `${kills} processes killed by the kernel`,
        value: daemon.child.exitCode === null && kills === 0 ? (100 * done) / count : 0,
        target: { least: 100, unit: '%' },
      });
      tell({
        what: 'throughput there',
        measured: rate(done / seconds, 'studies'),
        baseline: '',
        value: null,
      });
    } finally {
      await daemon.remove();
    }
  } finally {
    await orthanc.stop();
    group?.remove();
  }
}
