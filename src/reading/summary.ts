import type { Label, Probabilities, Reading } from '../ai/reading.ts';
import { summaryOf as answersOf } from '../dicom/report/findings.ts';

/**
 * What the triage list shows of a study: class and probabilities of its most urgent film, and of quality, population and
 * triage what its report says, the answer of any film that a reader must not miss.
 */
export interface StudySummary {
  readonly films: number;
  readonly label: Label | null;
  readonly pneumonia: Reading['pneumonia'];
  readonly probabilities: Probabilities;
  readonly abstained: string | null;
  readonly applicability: Reading['applicability']['status'];
  readonly quality: Reading['quality']['status'];
  readonly triage: Reading['triage'];
  readonly model: { readonly name: string; readonly version: string };
  readonly conclusion: string;
}

const URGENCY: Readonly<Record<Reading['pneumonia'], number>> = { present: 0, undetermined: 1, absent: 2 };

/** The summary of a study's readings (at least one), as the ledger keeps it for lists. */
export function summaryOf(readings: readonly Reading[], conclusion: string): StudySummary {
  const [first, ...rest] = readings;
  if (first === undefined) throw new RangeError('A summary needs a reading.');
  const urgent = rest.reduce((most, next) => (isMoreUrgent(next, most) ? next : most), first);
  const { quality, applicability, triage } = answersOf(readings);
  return {
    films: readings.length,
    label: urgent.label,
    pneumonia: urgent.pneumonia,
    probabilities: urgent.probabilities,
    abstained: urgent.abstained?.code ?? null,
    applicability,
    quality,
    triage,
    model: { name: urgent.model.name, version: urgent.model.version },
    conclusion,
  };
}

function isMoreUrgent(a: Reading, b: Reading): boolean {
  if (a.pneumonia !== b.pneumonia) return URGENCY[a.pneumonia] < URGENCY[b.pneumonia];
  return a.probabilities.normal < b.probabilities.normal;
}
