import type { Label, Probabilities } from './reading.ts';

export function tenthsOf(probabilities: Probabilities): Record<Label, number>;
export function percentInWords(percent: string): string;
export function percentOf(tenths: number): string;
