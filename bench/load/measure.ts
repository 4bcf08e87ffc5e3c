import { readFile } from 'node:fs/promises';

/** One look at a process under load. */
export interface Sample {
  readonly seconds: number;
  /** Studies that had ended. */
  readonly ended: number;
  /** Resident memory, MB. */
  readonly rss: number;
  /** 99th percentile of the event loop's delay since the last look, milliseconds. */
  readonly loopDelay: number;
}

/** Resident memory of a process in MB (proc(5), VmRSS); undefined when it is gone. */
export async function residentMegabytes(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

/** What `/metrics` says of a process: studies by state (the ledger's), and the event loop's delay. */
export async function metricsOf(url: string) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const states: Record<string, number> = {};
  for (const [, state = '', count] of text.matchAll(/^deephealth_studies\{state="(\w+)"\} (\d+)$/gm)) {
    states[state] = Number(count);
  }
  const lag = /^nodejs_eventloop_lag_p99_seconds ([\d.e+-]+)$/m.exec(text)?.[1];
  return { states, loopDelay: Number(lag ?? 0) * 1000 };
}

/** The value below which a share of the values lies; 0 for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/**
 * Growth of memory by the studies that ended, MB per 1,000 (least squares). The first fifth is left out: caches
 * and heaps fill there.
 */
export function growth(samples: readonly Sample[]): number {
  const most = samples.at(-1)?.ended ?? 0;
  const settled = samples.filter(({ ended }) => ended >= most / 5);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(settled.map(({ ended }) => ended)), mean(settled.map(({ rss }) => rss))];
  let [above, below] = [0, 0];
  for (const { ended, rss } of settled) {
    above += (ended - x) * (rss - y);
    below += (ended - x) ** 2;
  }
  return below === 0 ? 0 : (1000 * above) / below;
}
