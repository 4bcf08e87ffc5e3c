import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/deep-health.mjs', import.meta.url));

/** One process of the service under a supervisor: whenever it ends, it is started again. */
export interface Service {
  readonly role: string;
  readonly pid: number | undefined;
  /** Ready to work. */
  readonly up: boolean;
  signal(name: NodeJS.Signals): void;
  /** Kills it and keeps it down until `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<number | null>;
  /** Ends that nobody caused, each with its last words. */
  readonly crashes: readonly string[];
  /** Error codes of the log with their number. */
  readonly codes: ReadonlyMap<string, number>;
}

export interface ServiceSettings {
  readonly role: string;
  readonly config: string;
  readonly log: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Codes with which a start may fail while a peer that it cannot do without is away. */
const MAY_FAIL_AT_START = /ledger\.(unreachable|busy|full)|storage\.|service\.(folder|port-taken)|ENOSPC/;
const RESTART_MS = 1000;
const READY_WITHIN_MS = 600_000;

export function superviseService({ role, config, log, env }: ServiceSettings): Service {
  const file = createWriteStream(log, { flags: 'a' });
  const crashes: string[] = [];
  const codes = new Map<string, number>();
  let child: ChildProcess | undefined;
  let up = false;
  let wanted = false;
  let awaited: PromiseWithResolvers<void> | undefined;

  function launch(): void {
    up = false;
    const last: string[] = [];
    const started = spawn(process.execPath, [PROGRAM, 'serve', '--config', config, '--role', role], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    child = started;
    createInterface({ input: started.stderr }).on('line', (line) => {
      file.write(`${line}\n`);
      last.push(line);
      if (last.length > 12) last.shift();
      if (!line.startsWith('{')) return;
      const { msg, code } = JSON.parse(line) as { msg?: string; code?: string };
      if (code !== undefined) codes.set(code, (codes.get(code) ?? 0) + 1);
      if (msg === 'Ready') {
        up = true;
        awaited?.resolve();
      }
    });
    started.once('close', (code, signal) => {
      if (child !== started) return;
      const wasUp = up;
      up = false;
      child = undefined;
      if (!wanted) return;
      const words = last.join('\n');
      // Killed by somebody else, or an end of its own that is no answer to a peer being away.
      if (wasUp || signal !== null || !MAY_FAIL_AT_START.test(words))
        crashes.push(`${role} ended with ${code ?? signal}:\n${words}`);
      setTimeout(() => {
        if (wanted && child === undefined) launch();
      }, RESTART_MS);
    });
  }

  return {
    role,
    crashes,
    codes,
    get pid() {
      return child?.pid;
    },
    get up() {
      return up;
    },
    signal: (name) => void child?.kill(name),
    async kill() {
      wanted = false;
      const dying = child;
      if (dying === undefined) return;
      const gone = once(dying, 'close');
      dying.kill('SIGKILL');
      await gone;
    },
    async start() {
      wanted = true;
      awaited = Promise.withResolvers();
      if (child === undefined) launch();
      else if (up) awaited.resolve();
      const late = setTimeout(
        () => awaited?.reject(new Error(`${role} was not ready in time, see ${log}`)),
        READY_WITHIN_MS,
      );
      await awaited.promise.finally(() => clearTimeout(late));
    },
    async stop() {
      wanted = false;
      const ending = child;
      if (ending === undefined) return null;
      const gone = once(ending, 'close');
      ending.kill('SIGCONT');
      ending.kill('SIGTERM');
      const late = setTimeout(() => ending.kill('SIGKILL'), 40_000);
      const [code] = (await gone) as [number | null];
      clearTimeout(late);
      return code;
    },
  };
}
