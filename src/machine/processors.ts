import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/**
 * Processors that this process may keep busy, at least 1: those of the machine that it may run on, or what the
 * control groups around it grant it, where that is less; a part of a processor counts as a whole one. Node.js itself
 * knows the quota of version 2 only, and of a single one of the ways to mount version 1.
 *
 * @param read gives a file of the system's; throws where there is none.
 */
export function processors(
  read: (file: string) => string = (file) => readFileSync(file, 'latin1'),
  machine = availableParallelism(),
): number {
  const quota = quotas(read).reduce((least, each) => Math.min(least, each), machine);
  return Math.max(1, Math.ceil(quota));
}

/** What each group from the process's own up to the root grants, in processors; unlimited ones are left out. */
function quotas(read: (file: string) => string): number[] {
  const found: number[] = [];
  for (const line of lines(read, '/proc/self/cgroup')) {
    // hierarchy:controllers:path; version 2 has no controllers.
    const [, controllers, ...rest] = line.split(':');
    const path = rest.join(':');
    if (controllers === '') {
      for (const folder of upwards(ROOT, path)) {
        const [most = 'max', period] = words(read, `${folder}/cpu.max`);
        found.push(Number(most) / Number(period));
      }
    } else if (controllers?.split(',').includes('cpu')) {
      for (const folder of [`${ROOT}/cpu`, `${ROOT}/cpu,cpuacct`].flatMap((root) => upwards(root, path))) {
        const [most] = words(read, `${folder}/cpu.cfs_quota_us`);
        const [period] = words(read, `${folder}/cpu.cfs_period_us`);
        found.push(Number(most) / Number(period));
      }
    }
  }
  // "max", -1 and files that are not there are no limits.
  return found.filter((quota) => Number.isFinite(quota) && quota > 0);
}

/** A folder below the root and all above it; in a container the path is often one of the host's and leads nowhere. */
function upwards(root: string, path: string): string[] {
  const folders = [root];
  for (let at = posix.normalize(`/${path}`); at !== '/'; at = posix.dirname(at)) folders.push(`${root}${at}`);
  return folders;
}

function words(read: (file: string) => string, file: string): string[] {
  return lines(read, file)[0]?.split(' ') ?? [];
}

function lines(read: (file: string) => string, file: string): string[] {
  try {
    return read(file).trim().split('\n');
  } catch {
    return [];
  }
}
