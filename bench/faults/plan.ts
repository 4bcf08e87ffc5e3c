import { createHash } from 'node:crypto';
import { type Chance, chance } from '../../src/dicom/phantom/random.ts';

/** What is done to one target, and when: `afterMs` counts from the end of the one before it. */
export type Fault = { readonly afterMs: number } & (
  | { readonly kind: 'kill'; readonly downMs: number }
  | { readonly kind: 'freeze'; readonly forMs: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'weather'; readonly delayMs: number; readonly cut: number; readonly repeat: number }
  | { readonly kind: 'fill'; readonly leaveBytes: number; readonly forMs: number }
  | { readonly kind: 'step'; readonly offsetSeconds: number }
);

/** How hard a target is dealt with; mean pauses in milliseconds. */
interface Habit {
  readonly pauseMs: number;
  readonly make: (
    luck: Chance,
  ) => Fault extends infer One ? (One extends Fault ? Omit<One, 'afterMs'> : never) : never;
}

const MEGABYTE = 2 ** 20;

function process(pauseMs: number, down: number, freeze: number): Habit {
  return {
    pauseMs,
    make: (luck) =>
      luck.next() < 0.8
        ? { kind: 'kill', downMs: luck.between(0, down) }
        : { kind: 'freeze', forMs: luck.between(500, luck.next() < 0.1 ? 10 * freeze : freeze) },
  };
}

const line: Habit = {
  pauseMs: 9000,
  make(luck) {
    if (luck.next() < 0.4) return { kind: 'cut' };
    if (luck.next() < 0.3) return { kind: 'weather', delayMs: 0, cut: 0, repeat: 0 };
    return {
      kind: 'weather',
      delayMs: luck.next() < 0.5 ? 0 : luck.between(10, 400),
      cut: luck.next() < 0.5 ? 0 : luck.between(0, 0.15),
      repeat: luck.between(0, 0.3),
    };
  },
};

/** Repeating requests is for protocols that take turns; AMQP and PostgreSQL do not. */
const mute: Habit = {
  pauseMs: 15_000,
  make(luck) {
    const fault = line.make(luck);
    return fault.kind === 'weather' ? { ...fault, repeat: 0 } : fault;
  },
};

const disk: Habit = {
  pauseMs: 45_000,
  make: (luck) => ({
    kind: 'fill',
    leaveBytes: luck.next() < 0.5 ? 0 : Math.round(luck.between(0, 8)) * MEGABYTE,
    forMs: luck.between(3000, 12_000),
  }),
};

const clock: Habit = {
  pauseMs: 40_000,
  make: (luck) => ({ kind: 'step', offsetSeconds: Math.round(luck.between(-7200, 7200)) }),
};

const HABITS = {
  service: process(90_000, 3000, 6000),
  intake: process(150_000, 3000, 6000),
  read: process(160_000, 3000, 6000),
  deliver: process(140_000, 3000, 6000),
  pacs: process(38_000, 8000, 6000),
  ris: process(34_000, 8000, 6000),
  broker: process(110_000, 6000, 12_000),
  database: process(70_000, 6000, 12_000),
  'line to service': line,
  'line to pacs': line,
  'line to ris': line,
  'line to broker': mute,
  'line to database': mute,
  disk,
  clock,
} satisfies Record<string, Habit>;

export type Target = keyof typeof HABITS;

/** A whole number from a seed and a name. */
export function seedOf(seed: string, name: string): number {
  return createHash('sha256').update(`${seed}\0${name}`).digest().readUInt32LE(0);
}

/**
 * What a target goes through within a run of that length. The same seed, target, length and pace give the
 * same plan on every machine; what it meets there depends on the machine's speed.
 *
 * @param pace 1 as above; 2 twice as often
 */
export function planOf(seed: string, target: Target, lengthMs: number, pace: number): readonly Fault[] {
  const luck = chance(seedOf(seed, target));
  const { pauseMs, make } = HABITS[target];
  const plan: Fault[] = [];
  for (let at = 0; ; ) {
    const afterMs = Math.round((pauseMs / pace) * luck.between(0.2, 1.8));
    const fault = { ...make(luck), afterMs } as Fault;
    at += afterMs + (fault.kind === 'kill' ? fault.downMs : 'forMs' in fault ? fault.forMs : 0);
    if (at >= lengthMs) return plan;
    plan.push(fault);
  }
}
