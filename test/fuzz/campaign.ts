import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assignment, Report } from './child.ts';
import type { FuzzTarget } from './target.ts';

const CHILD = new URL('./child.ts', import.meta.url);
/** Loading everything on a busy machine. */
const START_MS = 300_000;
const WATCH_MS = 100;
/** So many times its limit by the clock, and a case hangs even if it does nothing. */
const PATIENCE = 20;
/** sysconf(_SC_CLK_TCK): 100 on every Linux. */
const TICKS_PER_SECOND = 100;

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

  function defect(number: number, what: string): void {
    defectCount += 1;
    if (defects.length < MOST_KEPT) defects.push({ number, what });
    say(`${target.name} ${number}: ${what}`);
  }
  const heard: Heard = {
    defect,
    count(more) {
      for (const [outcome, count] of Object.entries(more))
        outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
    },
  };

  const folder = mkdtempSync(join(tmpdir(), 'fuzz-place-'));
  const place = join(folder, 'case');
  while (next < cases && Date.now() < until) {
    writeFileSync(place, new Float64Array([next]));
    const assignment = { target: target.name, seed, from: next, to: cases, place };
    const { at, ended, samples } = await runChild(assignment, target.limitMs, until, heard);
    memory.push(samples);
    next = at;
    if (ended === 'done' || ended === 'time') continue;
    if (target.disposable === true) stopped.push(at);
    else {
      const hung = `hangs for more than ${target.limitMs} ms of processor time`;
      defect(at, ended === 'hang' ? hung : `ends its process (${ended})`);
    }
    next = at + 1;
  }
  rmSync(folder, { recursive: true });
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

/** One process: up to its end, its death, or a case that does not end. */
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
  let ready = false;
  let ended: string | undefined;
  const end = (why: string) => {
    ended = why;
    child.kill('SIGKILL');
  };
  /** Since when it has been at the same case, by the clock and by its own processor time. */
  let since = { at: assignment.from, clock: performance.now(), worked: 0 };
  const watch = setInterval(() => {
    if (ended !== undefined) return;
    if (Date.now() > until) return end('time');
    const at = caseAt(assignment.place);
    const worked = processorMs(child.pid);
    const clock = performance.now();
    if (at !== since.at || !ready) since = { at, clock, worked };
    const waited = clock - since.clock;
    // A busy machine is no hang: its own work counts. Whoever does not work either is given up in the end.
    if (worked - since.worked > limitMs || waited > PATIENCE * limitMs) end('hang');
  }, WATCH_MS);
  const late = setTimeout(() => end('no start'), START_MS);
  child.on('message', (report: Report) => {
    switch (report.kind) {
      case 'ready':
        clearTimeout(late);
        ready = true;
        break;
      case 'defect':
        heard.defect(report.number, report.what);
        break;
      case 'done':
        heard.count(report.outcomes);
        samples.push(report);
        break;
      case 'end':
        ended ??= 'done';
        break;
    }
  });
  child.send(assignment);
  const [code, signal] = await once(child, 'exit');
  clearInterval(watch);
  clearTimeout(late);
  const at = ended === 'done' ? assignment.to : caseAt(assignment.place);
  return { at, ended: ended ?? String(signal ?? code), samples };
}

function caseAt(place: string): number {
  return new Float64Array(Uint8Array.from(readFileSync(place)).buffer)[0] ?? 0;
}

/** Processor time of a process and its threads so far (proc(5): utime and stime), in milliseconds. */
function processorMs(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (1000 / TICKS_PER_SECOND) * (Number(fields[11]) + Number(fields[12]));
  } catch {
    // No such file system: the clock alone decides.
    return 0;
  }
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
