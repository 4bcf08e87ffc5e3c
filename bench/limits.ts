import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A control group with one processor and one gigabyte, the machine of the smallest site. */
export interface Limits {
  /** How it was made, for the note of the row. */
  readonly how: string;
  /** Runs something; processes that it starts are inside of the limits for good. */
  inside<Result>(start: () => Promise<Result>): Promise<Result>;
  /** How many processes the kernel killed for want of memory. */
  kills(): number;
  remove(): void;
}

const ROOT = '/sys/fs/cgroup';

/** Makes the group, in either version of the kernel's interface; undefined where we may not. */
export function limits({ processors, bytes }: { processors: number; bytes: number }): Limits | undefined {
  try {
    return existsSync(join(ROOT, 'cgroup.controllers'))
      ? versionTwo(processors, bytes)
      : versionOne(processors, bytes);
  } catch {
    return undefined;
  }
}

const NAME = `deep-health-bench-${process.pid}`;
const PERIOD = 100_000;

function versionOne(processors: number, bytes: number): Limits {
  const folders = { memory: join(ROOT, 'memory', NAME), cpu: join(ROOT, 'cpu', NAME) };
  const own = Object.fromEntries(
    readFileSync('/proc/self/cgroup', 'latin1')
      .split('\n')
      .flatMap((line) => {
        const [, controllers = '', path = '/'] = line.split(':');
        return controllers.split(',').map((controller) => [controller, path]);
      }),
  ) as Record<string, string>;
  for (const folder of Object.values(folders)) mkdirSync(folder);
  writeFileSync(join(folders.memory, 'memory.limit_in_bytes'), String(bytes));
  writeFileSync(join(folders.cpu, 'cpu.cfs_period_us'), String(PERIOD));
  writeFileSync(join(folders.cpu, 'cpu.cfs_quota_us'), String(processors * PERIOD));
  const enter = (where: Readonly<Record<'memory' | 'cpu', string>>) => {
    for (const folder of Object.values(where))
      writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
  };
  return limited('a cgroup (v1)', {
    enter: () => enter(folders),
    leave: () =>
      enter({ memory: join(ROOT, 'memory', own.memory ?? '/'), cpu: join(ROOT, 'cpu', own.cpu ?? '/') }),
    kills: () => countOf(join(folders.memory, 'memory.oom_control')),
    folders: Object.values(folders),
  });
}

function versionTwo(processors: number, bytes: number): Limits {
  const own = readFileSync('/proc/self/cgroup', 'latin1').trim().split('::')[1] ?? '/';
  const folder = join(ROOT, NAME);
  writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+memory +cpu');
  mkdirSync(folder);
  writeFileSync(join(folder, 'memory.max'), String(bytes));
  writeFileSync(join(folder, 'cpu.max'), `${processors * PERIOD} ${PERIOD}`);
  const enter = (where: string) => writeFileSync(join(where, 'cgroup.procs'), String(process.pid));
  return limited('a cgroup (v2)', {
    enter: () => enter(folder),
    leave: () => enter(join(ROOT, own)),
    kills: () => countOf(join(folder, 'memory.events')),
    folders: [folder],
  });
}

function limited(
  how: string,
  parts: { enter(): void; leave(): void; kills(): number; folders: readonly string[] },
): Limits {
  return {
    how,
    // Children are born where their parent is: this process goes in, starts them, and comes out again.
    async inside(start) {
      parts.enter();
      try {
        return await start();
      } finally {
        parts.leave();
      }
    },
    kills: () => parts.kills(),
    remove() {
      for (const folder of parts.folders) rmdirSync(folder);
    },
  };
}

function countOf(file: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, 'latin1'))?.[1] ?? 0);
}
