import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const PRODUCT = fileURLToPath(new URL('..', import.meta.url));
export const PROGRAM = fileURLToPath(new URL('../bin/deep-health.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly wallMs: number;
  /** Largest resident memory of the process, in bytes (VmHWM, as last seen); 0 when it was too short to look. */
  readonly peakBytes: number;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Look at its memory while it runs. */
  readonly watchMemory?: boolean;
  /** It is killed after so long; default ten minutes. */
  readonly patienceMs?: number;
}

/** Runs a program to its end, however it ends. */
export async function runChild(
  program: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Ended> {
  const began = performance.now();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  const out: string[] = [];
  const err: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
  let peakBytes = 0;
  const look =
    options.watchMemory === true && child.pid !== undefined
      ? setInterval(() => {
          peakBytes = Math.max(peakBytes, peakOf(child.pid ?? 0));
        }, 20)
      : undefined;
  const limit = setTimeout(() => child.kill('SIGKILL'), options.patienceMs ?? 600_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(look);
  clearTimeout(limit);
  return { code, stdout: out.join(''), stderr: err.join(''), wallMs: performance.now() - began, peakBytes };
}

/** The same, and it must succeed. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: ChildOptions = {},
): Promise<Ended> {
  const ended = await runChild(program, args, options);
  if (ended.code !== 0) {
    throw new Error(`${program} ${args[0] ?? ''} ended with ${ended.code}: ${ended.stderr.slice(-800)}`);
  }
  return ended;
}

/** Largest resident memory of a process so far in bytes; 0 when it is gone. */
export function peakOf(pid: number): number {
  return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(statusOf(pid))?.[1] ?? 0);
}

/** Resident memory of a process now, in bytes; 0 when it is gone. */
export function residentOf(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(statusOf(pid))?.[1] ?? 0);
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return '';
  }
}
