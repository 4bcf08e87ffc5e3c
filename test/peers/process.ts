import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a program to its end; rejects with its last words when it fails. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => said.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const [status] = await once(child, 'close');
  const words = said.join('');
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${words.slice(-2000)}`);
  return words;
}

/** Ends a process by its own id and waits until it is gone; kills it when it does not go by itself. */
export async function stopProcess(child: ChildProcess, patienceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await gone;
  clearTimeout(timer);
}

/** Asks until the answer is yes; a test's way to wait for a peer without guessing a time. */
export async function until(what: string, ask: () => Promise<boolean>, patienceMs = 30_000): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    if (await ask().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`${what}: not within ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
