import type { Bench } from './row.ts';

/** A group of rows that is measured in a process of its own. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  /** A process that takes longer is ended, and the table says so. */
  readonly patienceMs: number;
  load(): Promise<Bench>;
}

const MINUTE = 60_000;

/** In the order of the table. */
export const FIGURES: readonly Figure[] = [
  {
    name: 'inference',
    title: 'Inference',
    patienceMs: 3 * MINUTE,
    load: async () => (await import('./inference.ts')).benchInference,
  },
  {
    name: 'around',
    title: 'The way around the network',
    patienceMs: 4 * MINUTE,
    load: async () => (await import('./around.ts')).benchAround,
  },
  {
    name: 'overlap',
    title: 'Overlap: `classify` of a folder',
    patienceMs: 4 * MINUTE,
    load: async () => (await import('./overlap.ts')).benchOverlap,
  },
  {
    name: 'start',
    title: 'Start',
    patienceMs: 2 * MINUTE,
    load: async () => (await import('./start.ts')).benchStart,
  },
  {
    name: 'daemon',
    title: 'The daemon with Orthanc',
    patienceMs: 4 * MINUTE,
    load: async () => (await import('./daemon.ts')).benchDaemon,
  },
  {
    name: 'records',
    title: 'Ledger and queue',
    patienceMs: 3 * MINUTE,
    load: async () => (await import('./records.ts')).benchRecords,
  },
  {
    name: 'memory',
    title: 'One processor, one gigabyte',
    patienceMs: 8 * MINUTE,
    load: async () => (await import('./memory.ts')).benchMemory,
  },
  {
    name: 'growth',
    title: 'Growth',
    patienceMs: 4 * MINUTE,
    load: async () => (await import('./growth.ts')).benchGrowth,
  },
  {
    name: 'against',
    title: 'Against what would be scripted instead',
    patienceMs: 4 * MINUTE,
    load: async () => (await import('./against.ts')).benchAgainst,
  },
];
