import type { Log } from '../observe/log.ts';
import { loggedFailure } from '../observe/log.ts';

/** What one step of a loop found. */
export type Step =
  /** There was work; there may be more, so the next step follows at once. */
  | { readonly kind: 'worked' }
  /** Nothing to do; look again after `waitMs` (default: the loop's own pause), or when woken. */
  | { readonly kind: 'idle'; readonly waitMs?: number };

export interface Loop {
  /** There may be work now: ends the pause. */
  wake(): void;
  /** No further step; resolves when the one under way has ended. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /** For the log. */
  readonly name: string;
  readonly log: Log;
  /** Pause after an idle step, in milliseconds. */
  readonly pauseMs: number;
  /** One piece of work, recorded when it resolves. What it throws is logged, and the pauses grow. */
  step(signal: AbortSignal): Promise<Step>;
  /** Aborted when the process must end now; given to every step. */
  readonly signal: AbortSignal;
}

const LONGEST_PAUSE_MS = 15_000;

/**
 * The one shape of every worker: a step, a pause when there is nothing to do, growing jittered pauses while
 * steps fail (a database that is gone, for instance), and a way to end between two steps.
 */
export function startLoop(options: LoopOptions): Loop {
  const { name, log, pauseMs, step, signal } = options;
  let stopping = false;
  let failures = 0;
  let woken = false;
  let endPause: (() => void) | undefined;

  async function pause(milliseconds: number): Promise<void> {
    if (woken || stopping) {
      woken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    endPause = undefined;
    woken = false;
  }

  async function run(): Promise<void> {
    while (!stopping && !signal.aborted) {
      let wait = 0;
      try {
        const found = await step(signal);
        if (failures > 0) log.info({ loop: name, failures }, 'Goes on');
        failures = 0;
        if (found.kind === 'worked') continue;
        wait = found.waitMs ?? pauseMs;
      } catch (error) {
        failures += 1;
        wait = failurePause(failures, pauseMs);
        // The first of a row of failures is news; the rest would fill the disk of whoever keeps the log.
        const level = failures === 1 || failures % 20 === 0 ? 'warn' : 'debug';
        log[level]({ loop: name, failures, ...loggedFailure(error) }, 'A step failed; it is tried again');
      }
      await pause(wait);
    }
  }

  const running = run();
  return {
    wake() {
      woken = true;
      endPause?.();
    },
    async stop() {
      stopping = true;
      endPause?.();
      await running;
    },
  };
}

function failurePause(failures: number, pauseMs: number): number {
  const grown = Math.min(LONGEST_PAUSE_MS, Math.max(250, pauseMs) * 2 ** Math.min(failures, 8));
  return grown * (0.5 + Math.random() / 2);
}
