import { mustRun, runChild } from './child.ts';

/** Starts something whose processes stay on one core; this process goes there to start them, and comes back. */
export async function pinned<Result>(core: number, start: () => Promise<Result>): Promise<Result> {
  const pid = String(process.pid);
  const { stdout } = await mustRun('taskset', ['-p', pid]);
  const before = /: ([0-9a-f]+)\s*$/.exec(stdout)?.[1] ?? 'ffffffff';
  await mustRun('taskset', ['-p', '-c', String(core), pid]);
  try {
    return await start();
  } finally {
    await mustRun('taskset', ['-p', before, pid]);
  }
}

export async function canPin(): Promise<boolean> {
  const ended = await runChild('taskset', ['-p', String(process.pid)]).catch(() => undefined);
  return ended?.code === 0;
}
