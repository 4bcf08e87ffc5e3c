import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** The machine that the figures belong to. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly vnni: boolean;
  readonly memoryGiB: number;
  readonly node: string;
  /** Runnable processes over the last minute before the bench began: above 0.5 the figures are not quiet. */
  readonly loadBefore: number;
  readonly commit: string;
}

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    vnni: /avx512_vnni|avx_vnni/.test(read('/proc/cpuinfo')),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    commit: commit(),
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
    return (
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '-uno') === '' ? '' : ' and changes')
    );
  } catch {
    return 'unknown';
  }
}
