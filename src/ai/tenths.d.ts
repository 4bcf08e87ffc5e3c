import type { Label, Probabilities } from './reading.ts';

export function tenthsOf(probabilities: Probabilities): Record<Label, number>;
export function percentOf(tenths: number): string;
