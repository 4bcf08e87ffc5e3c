import { readFileSync } from 'node:fs';

/** The value below which this share of the sorted values lies (nearest rank). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Things to compare take turns, so that a machine that slows down in the middle slows all of them down.
 *
 * @returns the median of each, in milliseconds
 */
export async function inTurns<Name extends string>(
  works: Readonly<Record<Name, () => Promise<unknown>>>,
  { rounds, warm = 1 }: { readonly rounds: number; readonly warm?: number },
): Promise<Record<Name, number>> {
  const names = Object.keys(works) as Name[];
  const found = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = -warm; round < rounds; round += 1) {
    for (const name of names) {
      const began = performance.now();
      await works[name]();
      if (round >= 0) found.get(name)?.push(performance.now() - began);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(found.get(name) ?? [])])) as Record<
    Name,
    number
  >;
}

/** Processor milliseconds of this process so far, threads included. */
export function ownProcessorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Processor milliseconds of children that ended and were waited for. Linux; 10 ms steps. */
export function childrenProcessorMs(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
