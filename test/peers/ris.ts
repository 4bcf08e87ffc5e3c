import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './ports.ts';
import { stopProcess } from './process.ts';

const PYTHON = '/usr/bin/python3';
const SCRIPT = join(import.meta.dirname, 'ris.py');

/** Whether the independent RIS (Debian's python3-hl7) can run here; a test skips itself if not. */
export function risInstalled(): boolean {
  return spawnSync(PYTHON, ['-c', 'import hl7.mllp'], { stdio: 'ignore' }).status === 0;
}

/** How the RIS answers a message; ris.py says what each does. */
export type RisMode =
  | 'AA'
  | 'AE'
  | 'AR'
  | 'CA'
  | 'CE'
  | 'CR'
  | 'CA+AA'
  | 'CA+AE'
  | 'lower'
  | 'no-final-return'
  | 'wrong-id'
  | 'wrong-id+AA'
  | `slow:${number}`
  | 'half'
  | 'half+close'
  | 'nothing'
  | 'drop'
  | 'keep+drop'
  | 'noise';

/** A message that the RIS got. */
export interface RisMessage {
  /** MSH-10. */
  readonly controlId: string;
  readonly mode: RisMode;
  /** Whether it was kept, however it was answered. */
  readonly accepted: boolean;
  /** Whether a message with this control id had been accepted before. */
  readonly duplicate: boolean;
  readonly text: string;
}

export interface RisOptions {
  readonly mode?: RisMode;
  /** Python's name of the character set; default utf-8. What cannot be decoded ends the connection. */
  readonly encoding?: string;
  /** Paths of PEM files; with `ca` it wants a client certificate. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
}

export interface Ris {
  readonly host: string;
  readonly port: number;
  /** How every message is answered from now on. */
  setMode(mode: RisMode): Promise<void>;
  /** How the next messages are answered, one each. */
  setNext(modes: readonly RisMode[]): Promise<void>;
  /** Every message it got so far, over restarts too. */
  received(): Promise<RisMessage[]>;
  /** Commit acknowledgements that it got for its own application acknowledgements (MSA-2 of each). */
  commitsReceived(): Promise<string[]>;
  /** Ends it and keeps port and record, for a later `start`. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** Sends it a signal (SIGKILL, SIGSTOP, SIGCONT) without waiting for anything. */
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** Starts the independent RIS on loopback; ready when it resolves. */
export async function startRis(options: RisOptions = {}): Promise<Ris> {
  const folder = await mkdtemp(join(tmpdir(), 'ris-'));
  const log = join(folder, 'messages.jsonl');
  const port = await freePort();
  let mode = options.mode ?? 'AA';
  let child: ChildProcessWithoutNullStreams | undefined;
  let lines: AsyncIterator<string> | undefined;

  async function line(expected: string): Promise<void> {
    const said = await lines?.next();
    if (said?.value !== expected) throw new Error(`The RIS said ${String(said?.value)} for ${expected}.`);
  }

  async function command(order: object): Promise<void> {
    child?.stdin.write(`${JSON.stringify(order)}\n`);
    await line('ok');
  }

  async function start(): Promise<void> {
    const settings = { port, log, encoding: options.encoding ?? 'utf-8', tls: options.tls ?? null };
    const started = spawn(PYTHON, [SCRIPT, JSON.stringify(settings)]);
    child = started;
    // Its stack traces (a dropped connection makes one) are no test's output.
    started.stderr.resume();
    lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
    await line('ready');
    await command({ mode });
  }

  async function halt(): Promise<void> {
    if (child !== undefined) await stopProcess(child);
    child = undefined;
  }

  async function records(): Promise<Record<string, unknown>[]> {
    const text = await readFile(log, 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((entry) => entry !== '')
      .map((entry) => JSON.parse(entry) as Record<string, unknown>);
  }

  await start();
  return {
    host: '127.0.0.1',
    port,
    async setMode(next) {
      mode = next;
      await command({ mode });
    },
    setNext: (modes) => command({ next: modes }),
    async received() {
      return (await records()).filter((entry) => 'controlId' in entry) as unknown as RisMessage[];
    },
    async commitsReceived() {
      return (await records()).filter((entry) => entry.commitAck === 'CA').map((entry) => String(entry.of));
    },
    halt,
    start,
    signal: (name) => void child?.kill(name),
    async stop() {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
