import type { Progress as StageProgress } from '../ai/progress.ts';

/** A progress line on a terminal; says nothing where stderr is not one. */
export interface Progress {
  /** One more is done. */
  step(): void;
  /** Clears the line, so that other output can be printed; the next step draws it again. */
  clear(): void;
}

const SILENT: Progress = { step() {}, clear() {} };

export function progressOf(
  total: number,
  noun: string,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  if (!stream.isTTY || total < 2) return SILENT;
  const started = performance.now();
  let done = 0;
  return {
    step() {
      done += 1;
      const seconds = (performance.now() - started) / 1000;
      const rate = done / Math.max(seconds, 0.001);
      const filled = Math.round((24 * done) / total);
      const bar = `${'#'.repeat(filled)}${'.'.repeat(24 - filled)}`;
      const left = Math.round((total - done) / rate);
      stream.write(`\r\x1b[K[${bar}] ${done}/${total} ${noun}, ${rate.toFixed(1)}/s, ${duration(left)} left`);
      if (done === total) stream.write('\r\x1b[K');
    },
    clear() {
      stream.write('\r\x1b[K');
    },
  };
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A line on a terminal that tells the stage of a long piece of work and the time left. */
export function stageLine(stream: NodeJS.WriteStream = process.stderr): {
  show(progress: StageProgress): void;
  clear(): void;
} {
  if (!stream.isTTY) return { show() {}, clear() {} };
  return {
    show({ stage, done, total, secondsLeft }) {
      const left = secondsLeft === undefined ? '' : `, ${duration(Math.round(secondsLeft))} left`;
      stream.write(`\r\x1b[K${stage}: ${done}/${total}${left}`);
    },
    clear() {
      stream.write('\r\x1b[K');
    },
  };
}
