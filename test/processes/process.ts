import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A script of this folder, running as a process of its own. */
export interface Script {
  /** What it said so far, line by line; a line that was cut off by its death is left out. */
  lines(): readonly string[];
  /** Resolves when it said such a line; rejects when it ended without. */
  said(line: string | RegExp): Promise<void>;
  /** Ends it without a word. */
  kill(): Promise<void>;
  /** Asks it to end; gives its exit code. */
  end(): Promise<number | null>;
}

export function startScript(name: string, args: readonly string[]): Script {
  const path = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const closed = once(child, 'close');
  const lines = () => text.split('\n').slice(0, -1);
  const ended = () => child.exitCode !== null || child.signalCode !== null;

  return {
    lines,
    async said(line) {
      const matches = (each: string) => (typeof line === 'string' ? each === line : line.test(each));
      while (!lines().some(matches)) {
        if (ended()) throw new Error(`${name} ended before it said ${line}`);
        await Promise.race([closed, once(child.stdout ?? child, 'data')]);
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await closed;
    },
    async end() {
      child.kill('SIGTERM');
      await closed;
      return child.exitCode;
    },
  };
}
