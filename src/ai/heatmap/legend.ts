import type { ActivationMap, Label, Reading } from '../reading.ts';
import { percentInWords, percentOf, tenthsOf } from '../tenths.js';

/** Languages of the words that are burned into a heat map; those of the reports. */
export type LegendLanguage = 'en' | 'de';

/** What the legend tells of. */
export interface LegendInput {
  readonly map: Pick<ActivationMap, 'label'>;
  readonly reading: Pick<Reading, 'label' | 'pneumonia' | 'probabilities' | 'applicability' | 'model'>;
  /** Default `en`. */
  readonly language?: LegendLanguage;
}

/** Every word of a heat map in one language; letters have to be in the font. */
interface Words {
  readonly title: string;
  /** A number with a decimal point as the language writes it. */
  readonly decimal: (number: string) => string;
  readonly names: Readonly<Record<Label, string>>;
  readonly reported: (what: string) => string;
  readonly normal: (share: string) => string;
  readonly openType: (share: string) => string;
  readonly abstained: string;
  readonly map: (name: string) => string;
  readonly notReported: string;
  /** Reserves of the conclusion, in lines of their own: who sees the picture alone must not miss them. */
  readonly reserves: Readonly<Record<Exclude<Reading['applicability']['status'], 'in'>, string>>;
  readonly colours: string;
  readonly corners: string;
  readonly model: string;
}

const EN: Words = {
  title: 'AI heat map - not for diagnosis',
  decimal: (number) => number,
  names: {
    normal: 'normal',
    'bacterial-pneumonia': 'bacterial pneumonia',
    'viral-pneumonia': 'viral pneumonia',
  },
  reported: (what) => `Reported: ${what}`,
  normal: (share) => `no sign of pneumonia (probability of normal ${share})`,
  openType: (share) => `pneumonia (${share}), bacterial or viral undetermined`,
  abstained: 'none, the model abstains',
  map: (name) => `Map: activation for ${name}`,
  notReported: ', which is not reported',
  reserves: {
    out: 'The film is outside of the population that the model was made for',
    unknown: 'It is not known whether the model was made for such a film',
  },
  colours: 'Colours show what the model reacts to, not the extent of disease',
  corners: 'Corners mark the area that was read',
  model: 'Model:',
};

const DE: Words = {
  title: 'KI-Wärmebild - nicht zur Diagnose',
  decimal: (number) => number.replace('.', ','),
  names: {
    normal: 'unauffällig',
    'bacterial-pneumonia': 'bakterielle Pneumonie',
    'viral-pneumonia': 'virale Pneumonie',
  },
  reported: (what) => `Ergebnis: ${what}`,
  normal: (share) => `kein Zeichen einer Pneumonie (Wahrscheinlichkeit für unauffällig ${share})`,
  openType: (share) => `Pneumonie (${share}), bakteriell oder viral unbestimmt`,
  abstained: 'keines, das Modell enthält sich',
  map: (name) => `Bild: Aktivierung für ${name}`,
  notReported: ', die nicht das Ergebnis ist',
  reserves: {
    out: 'Die Aufnahme liegt außerhalb der Population, für die das Modell gemacht ist',
    unknown: 'Es ist nicht bekannt, ob das Modell für eine solche Aufnahme gemacht ist',
  },
  colours: 'Farben zeigen, worauf das Modell reagiert, nicht die Ausdehnung der Erkrankung',
  corners: 'Die Ecken begrenzen den gelesenen Bereich',
  model: 'Modell:',
};

const WORDS: Readonly<Record<LegendLanguage, Words>> = { en: EN, de: DE };

export const LEGEND_LANGUAGES: readonly LegendLanguage[] = ['en', 'de'];

/** Whether the map is of what the model reports; a pneumonia of open type counts for both types. */
export function isReported({ map, reading }: LegendInput): boolean {
  return reading.label === map.label || (reading.label === null && reading.pneumonia === 'present');
}

/** The line above the film. */
export function titleOf({ language = 'en' }: Pick<LegendInput, 'language'>): string {
  return WORDS[language].title;
}

/** A number beside the colour bar. */
export function tickOf(value: number, { language = 'en' }: Pick<LegendInput, 'language'>): string {
  return WORDS[language].decimal(String(value));
}

/** What the lines below the film say: what was reported and of what use that is, whose map it is, which model. */
export function legend(input: LegendInput): string[] {
  const { map, reading, language = 'en' } = input;
  const words = WORDS[language];
  const tenths = tenthsOf(reading.probabilities);
  const share = (...labels: readonly Label[]) =>
    words.decimal(percentInWords(percentOf(labels.reduce((sum, label) => sum + tenths[label], 0))));
  const { status } = reading.applicability;
  const shown = words.map(words.names[map.label]);
  return [
    words.reported(reportedWords(reading, words, share)),
    ...(reading.pneumonia === 'undetermined' || status === 'in' ? [] : [words.reserves[status]]),
    reading.label === map.label
      ? shown
      : `${shown} (${share(map.label)})${isReported(input) ? '' : words.notReported}`,
    words.colours,
    words.corners,
    `${words.model} ${reading.model.name} ${reading.model.version}`,
  ];
}

/** As in the conclusion of the reports: the model knows pneumonia only, so it never calls a film normal. */
function reportedWords(
  { label, pneumonia }: LegendInput['reading'],
  words: Words,
  share: (...labels: readonly Label[]) => string,
): string {
  if (label === 'normal') return words.normal(share('normal'));
  if (label !== null) return `${words.names[label]} (${share(label)})`;
  if (pneumonia !== 'present') return words.abstained;
  return words.openType(share('bacterial-pneumonia', 'viral-pneumonia'));
}
