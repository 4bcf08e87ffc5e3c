/** A process that tries the cases of one target; its parent watches it, since a case may end or hang it. */
import { openSync, writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { caseRandom } from './random.ts';
import { TARGETS } from './targets/all.ts';

/** Cases `from` to `to` (excluded) of a target. */
export interface Assignment {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Holds the number of the case that is being tried, a double: it can be read when this process is gone. */
  readonly place: string;
}

export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'defect'; readonly number: number; readonly what: string }
  /** Since the last one; memory after a collection, bytes. `resident` is without what is empty of V8's heap. */
  | {
      readonly kind: 'done';
      readonly number: number;
      readonly outcomes: Readonly<Record<string, number>>;
      readonly heap: number;
      readonly resident: number;
    }
  | { readonly kind: 'end' };

const MEMORY_EVERY = 2_000;
const BREATH_MS = 100;

function tell(report: Report): void {
  process.send?.(report);
}

async function work({ target: name, seed, from, to, place }: Assignment): Promise<void> {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  let number = from;
  const defect = (error: unknown) =>
    tell({
      kind: 'defect',
      number,
      what: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  process.on('uncaughtException', defect);
  process.on('unhandledRejection', defect);
  const open = await target.open();
  tell({ kind: 'ready' });
  let outcomes: Record<string, number> = {};
  const file = openSync(place, 'r+');
  const here = new Float64Array(1);
  let breath = 0;
  for (; number < to; number++) {
    here[0] = number;
    writeSync(file, here, 0, 8, 0);
    // Messages leave, and promises that nobody heard are told, between cases only.
    if (performance.now() - breath > BREATH_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      breath = performance.now();
    }
    try {
      const outcome = await open.run(open.make(caseRandom(seed, name, number)));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } catch (error) {
      defect(error);
    }
    if ((number + 1 - from) % MEMORY_EVERY === 0 || number + 1 === to) {
      globalThis.gc?.();
      const { heapUsed, external, rss } = process.memoryUsage();
      // V8 keeps pages of its heap that are empty after the collection, sometimes 5 MB and sometimes 40.
      const empty = getHeapStatistics().total_physical_size - heapUsed;
      tell({ kind: 'done', number: number + 1, outcomes, heap: heapUsed + external, resident: rss - empty });
      outcomes = {};
    }
  }
  await open.close();
  tell({ kind: 'end' });
  process.disconnect?.();
}

process.once('message', (assignment: Assignment) => void work(assignment));
