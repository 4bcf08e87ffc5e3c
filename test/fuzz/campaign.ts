import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Assignment, Report } from './child.ts';
import type { FuzzTarget } from './target.ts';

const CHILD = new URL('./child.ts', import.meta.url);
/** Loading everything on a busy machine. */
const START_MS = 300_000;

/** What became of the cases of one target. */
export interface TargetResult {
  readonly target: string;
  readonly cases: number;
  readonly seconds: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** A case and what went wrong; the same place is kept a few times only. */
  readonly defects: readonly { readonly number: number; readonly what: string }[];
  /** Defects in all. */
  readonly defectCount: number;
  /** Cases of a disposable target that were ended by the limit or ended their process. */
  readonly stopped: readonly number[];
  /** Growth by linear fit behind the first third: bytes for a thousand cases, and over the whole fit. */
  readonly memory: {
    readonly heapPerThousand: number;
    readonly residentPerThousand: number;
    readonly residentGrowth: number;
  };
}

interface Campaign {
  readonly seed: number;
  readonly cases: number;
  /** Milliseconds after which no new case begins. */
  readonly until: number;
  readonly say: (line: string) => void;
}

const MOST_KEPT = 25;
/** More than this over a run is growth, whatever its slope. */
export const MOST_GROWTH = 64 * 2 ** 20;

interface Sample {
  readonly number: number;
  readonly heap: number;
  readonly resident: number;
}

/** Tries the cases of one target in processes that may end or hang: another goes on behind the case. */
export async function runTarget(
  target: FuzzTarget,
  { seed, cases, until, say }: Campaign,
): Promise<TargetResult> {
  const began = performance.now();
  const outcomes: Record<string, number> = {};
  const defects: { number: number; what: string }[] = [];
  const stopped: number[] = [];
  const memory: Sample[][] = [];
  let defectCount = 0;
  let next = 0;
  /** After a hang between two signs of life: sure of the case, up to here. */
  let carefulUntil = 0;

  function defect(number: number, what: string): void {
    defectCount += 1;
    if (defects.length < MOST_KEPT) defects.push({ number, what });
    say(`${target.name} ${number}: ${what}`);
  }

  while (next < cases && Date.now() < until) {
    const careful = next < carefulUntil;
    const to = careful ? Math.min(cases, carefulUntil) : cases;
    const { at, ended, samples } = await runChild(
      { target: target.name, seed, from: next, to, careful },
      target.limitMs,
      until,
      {
        defect,
        count(more) {
          for (const [outcome, count] of Object.entries(more))
            outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
        },
      },
    );
    memory.push(samples);
    if (ended === 'done') {
      next = to;
      continue;
    }
    if (ended === 'time') {
      next = at;
      break;
    }
    if (careful || target.disposable === true) {
      if (target.disposable === true) stopped.push(at);
      else
        defect(
          at,
          ended === 'hang' ? `hangs for more than ${target.limitMs} ms` : `ends its process (${ended})`,
        );
      next = at + 1;
    } else {
      next = at;
      carefulUntil = at + 20_000;
    }
  }
  const longest = memory.toSorted((a, b) => b.length - a.length)[0] ?? [];
  return {
    target: target.name,
    cases: next,
    seconds: (performance.now() - began) / 1000,
    ...{ outcomes, defects, defectCount, stopped },
    memory: growth(longest),
  };
}

interface Heard {
  defect(number: number, what: string): void;
  count(outcomes: Readonly<Record<string, number>>): void;
}

/** One process: up to its end, its death, or its silence. */
async function runChild(
  assignment: Assignment,
  limitMs: number,
  until: number,
  heard: Heard,
): Promise<{ at: number; ended: string; samples: Sample[] }> {
  const child: ChildProcess = fork(CHILD, {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const samples: Sample[] = [];
  let at = assignment.from;
  let ended: string | undefined;
  let silence: NodeJS.Timeout | undefined;
  const wait = (milliseconds: number) => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      ended = 'hang';
      child.kill('SIGKILL');
    }, milliseconds);
  };
  wait(START_MS);
  child.on('message', (report: Report) => {
    wait(limitMs + 2_000);
    switch (report.kind) {
      case 'ready':
        break;
      case 'at':
        at = report.number;
        break;
      case 'defect':
        heard.defect(report.number, report.what);
        break;
      case 'done':
        at = report.number;
        heard.count(report.outcomes);
        samples.push(report);
        break;
      case 'end':
        ended = 'done';
        clearTimeout(silence);
        break;
    }
    if (Date.now() > until && ended === undefined) {
      ended = 'time';
      child.kill('SIGKILL');
    }
  });
  child.send(assignment);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(silence);
  return { at, ended: ended ?? String(signal ?? code), samples };
}

function growth(samples: readonly Sample[]): TargetResult['memory'] {
  const settled = samples.slice(Math.floor(samples.length / 3));
  const first = settled[0];
  const last = settled.at(-1);
  if (first === undefined || last === undefined || settled.length < 3) {
    return { heapPerThousand: 0, residentPerThousand: 0, residentGrowth: 0 };
  }
  const slope = (of: (sample: Sample) => number) => {
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const x = mean(settled.map(({ number }) => number));
    const y = mean(settled.map(of));
    const top = settled.reduce((sum, sample) => sum + (sample.number - x) * (of(sample) - y), 0);
    const bottom = settled.reduce((sum, sample) => sum + (sample.number - x) ** 2, 0);
    return top / bottom;
  };
  const resident = slope((sample) => sample.resident);
  return {
    heapPerThousand: Math.round(1000 * slope((sample) => sample.heap)),
    residentPerThousand: Math.round(1000 * resident),
    residentGrowth: Math.round(resident * (last.number - first.number)),
  };
}
