/**
 * Every sentence that a person reads in SR, heat map and ORU, by language. A language is one object; what a
 * translation leaves out does not compile.
 */
import type { Label } from '../../ai/reading.ts';
import { percentInWords } from '../../ai/tenths.js';
import type { Remark } from '../film/film.ts';
import type { Code } from './codes.ts';
import { cut } from './legal.ts';

export type Language = 'en' | 'de';

export interface Texts {
  readonly language: Code;
  readonly disclaimer: string;
  /** A share of `Findings` ("93.6") as the language writes it, with its sign. */
  readonly percent: (share: string) => string;
  /** The result in one clause; `percent` as "93.6 %". */
  readonly conclusion: {
    readonly pneumonia: (label: Exclude<Label, 'normal'>, percent: string) => string;
    readonly pneumoniaOfOpenType: (percent: string) => string;
    readonly normal: (percent: string) => string;
    readonly noResult: string;
    /** Joined to the clause when the model was not made for the film. */
    readonly applicability: Readonly<Record<'out' | 'unknown', string>>;
  };
  /** The finding of the class normal, which must not read as a normal film. */
  readonly noSign: string;
  /** "Film 2" */
  readonly film: (number: number) => string;
  /** Series and instance number of a film, "series 1, image 2". */
  readonly place: (series: string, image: string) => string;
  /** Sentences for remarks, by their code; a remark without one keeps its own message. */
  readonly remarks: Readonly<Record<string, string>>;
  /** Words for coded meanings, by code value; what is missing keeps its English meaning. */
  readonly meanings: Readonly<Record<string, string>>;
  /** Words of the narrative in the ORU. */
  readonly narrative: {
    readonly title: string;
    readonly reason: string;
    readonly model: (name: string, version: string) => string;
  };
  /** What the heat map shows; goes into DerivationDescription. */
  readonly heatmap: (finding: string, model: string) => string;
}

const EN: Texts = {
  language: { value: 'en-US', scheme: 'RFC5646', meaning: 'English (United States)' },
  disclaimer:
    'Result of an automatic image analysis. Not for primary diagnosis. To be reviewed by a physician together with the film.',
  percent: percentInWords,
  conclusion: {
    pneumonia: (label, percent) =>
      label === 'bacterial-pneumonia'
        ? `Model output suggests bacterial pneumonia (${percent})`
        : `Model output suggests viral pneumonia (${percent})`,
    pneumoniaOfOpenType: (percent) =>
      `Model output suggests pneumonia (${percent}), bacterial or viral undetermined`,
    normal: (percent) => `No sign of pneumonia found by the model (probability of normal ${percent})`,
    noResult: 'No result from the model, pneumonia stays undetermined',
    applicability: {
      out: 'the film is outside of the population that the model was made for',
      unknown: 'it is not known whether the model was made for such a film',
    },
  },
  noSign: 'No sign of pneumonia',
  film: (number) => `Film ${number}`,
  place: (series, image) => `series ${series}, image ${image}`,
  remarks: {},
  meanings: {
    // The gate grades for the model: a flawless film of an adult can be unreadable for it, and must not be called bad.
    '111050': 'Image quality for the model',
  },
  narrative: {
    title: 'AI chest film result, not for primary diagnosis.',
    reason: 'Reason',
    model: (name, version) => `Model: ${name} ${version}.`,
  },
  heatmap: (finding, model) =>
    `Class activation map of ${finding} (${model}) blended over the film; 0 to 1 on the colour bar. The colours show model attention, not extent of disease.`,
};

const DE: Texts = {
  language: { value: 'de-DE', scheme: 'RFC5646', meaning: 'German (Germany)' },
  disclaimer:
    'Ergebnis einer automatischen Bildanalyse. Nicht zur Primärdiagnose. Von ärztlicher Seite zusammen mit der Aufnahme zu prüfen.',
  percent: (share) => percentInWords(share).replace('.', ','),
  conclusion: {
    pneumonia: (label, percent) =>
      label === 'bacterial-pneumonia'
        ? `Das Modell spricht für eine bakterielle Pneumonie (${percent})`
        : `Das Modell spricht für eine virale Pneumonie (${percent})`,
    pneumoniaOfOpenType: (percent) =>
      `Das Modell spricht für eine Pneumonie (${percent}), bakteriell oder viral unbestimmt`,
    normal: (percent) =>
      `Das Modell hat kein Zeichen einer Pneumonie gefunden (Wahrscheinlichkeit für unauffällig ${percent})`,
    noResult: 'Kein Ergebnis vom Modell, eine Pneumonie bleibt unbestimmt',
    applicability: {
      out: 'die Aufnahme liegt außerhalb der Population, für die das Modell gemacht ist',
      unknown: 'es ist nicht bekannt, ob das Modell für eine solche Aufnahme gemacht ist',
    },
  },
  noSign: 'Kein Zeichen einer Pneumonie',
  film: (number) => `Aufnahme ${number}`,
  place: (series, image) => `Serie ${series}, Bild ${image}`,
  remarks: {
    uncertain: 'Das Modell kann nicht entscheiden, ob eine Pneumonie vorliegt.',
    'type-undetermined':
      'Das Modell findet Zeichen einer Pneumonie, kann aber bakteriell und viral nicht trennen.',
    'age-unknown': 'Das Alter ist unbekannt und kann außerhalb des Trainingsbereichs des Modells liegen.',
    'age-outside': 'Das Alter liegt außerhalb des Trainingsbereichs des Modells.',
    'view-other': 'Die Projektion der Aufnahme ist nicht die, mit der das Modell trainiert wurde.',
    'view-unknown': 'Die Projektion der Aufnahme ist unbekannt.',
    'no-header': 'Die Aufnahme ist eine Bilddatei ohne DICOM-Kopf; ihre Herkunft ist unbekannt.',
    'modality-other': 'Die Modalität der Aufnahme ist nicht CR oder DX.',
    'film-small': 'Die Aufnahme hat zu wenige Bildpunkte entlang der kürzeren Seite.',
    'lossy-ratio': 'Die Aufnahme wurde stark verlustbehaftet komprimiert.',
    quality: 'Die Aufnahme ist nicht von der Qualität oder Art, die das Modell lesen kann.',
    'out-of-population': 'Die Aufnahme liegt außerhalb der Population, mit der das Modell trainiert wurde.',
    'unlike-training': 'Die Aufnahme gleicht denen nicht, mit denen das Modell trainiert wurde.',
    orientation: 'Das Bild scheint gedreht zu sein.',
    coverage: 'Das Bild zeigt keinen ganzen Thorax.',
    'not-chest': 'Das Bild sieht nicht wie eine frontale Thoraxaufnahme aus.',
    'thorax-cut':
      'Ein Drittel des Thorax oder mehr liegt außerhalb der Aufnahme; gelesen wurde, was darauf ist.',
    framing: 'Der Thorax wurde nicht gefunden; die Mitte der Aufnahme wurde gelesen.',
    polarity: 'Schwarz und Weiß scheinen vertauscht zu sein.',
    raw: 'Die Aufnahme scheint nie für die Anzeige verarbeitet worden zu sein.',
    sign: 'Das Vorzeichen der Pixel widerspricht dem Kopf; es wurde berichtigt.',
    'voi=auto': 'Kein brauchbares Anzeigefenster; der Wertebereich der Aufnahme wurde genommen.',
    'voi=lut-damaged': 'Die VOI LUT ist beschädigt und wurde weggelassen.',
    'modality=lut-damaged': 'Die Modality LUT ist beschädigt und wurde weggelassen.',
    'presentation=contradictory': 'Der Kopf widerspricht sich in der Darstellung von Schwarz und Weiß.',
    'orientation=oblique': 'Patient Orientation ist nicht die einer gerade gedrehten frontalen Aufnahme.',
  },
  meanings: {
    '121077': 'Beurteilung',
    '233604007': 'Pneumonie',
    '52101004': 'Vorhanden',
    '272519000': 'Nicht vorhanden',
    '373068000': 'Unbestimmt',
    '121071': 'Befund',
    '53084003': 'Bakterielle Pneumonie',
    '75570004': 'Virale Pneumonie',
    '17621005': 'Unauffällig',
    'PROB-NORMAL': 'Wahrscheinlichkeit für unauffällig',
    'PROB-BACTERIAL': 'Wahrscheinlichkeit für bakterielle Pneumonie',
    'PROB-VIRAL': 'Wahrscheinlichkeit für virale Pneumonie',
    '%': 'Prozent',
    '111050': 'Bildqualität für das Modell',
    RID12: 'Diagnostische Qualität',
    RID13: 'Eingeschränkte Qualität',
    RID14: 'Nicht diagnostische Qualität',
    'QUALITY-REASON': 'Grund der Qualitätseinstufung',
    'QUALITY-REMARK': 'Bemerkung zur Qualität',
    APPLICABILITY: 'Anwendbarkeit auf diese Aufnahme',
    'APPL-IN': 'Innerhalb der vorgesehenen Population',
    'APPL-OUT': 'Außerhalb der vorgesehenen Population',
    'APPL-UNKNOWN': 'Zugehörigkeit zur vorgesehenen Population unbekannt',
    'APPL-REASON': 'Grund zur Anwendbarkeit',
    'ABSTAIN-REASON': 'Grund, warum keine Klasse genannt wird',
    TRIAGE: 'KI-Triage-Kategorie',
    'TRIAGE-NONE': 'Kein dringlicher Befund',
    'TRIAGE-ABSTAIN': 'Kein Triage-Vorschlag',
    '121106': 'Hinweis',
    '111001': 'Name des Algorithmus',
    '111003': 'Version des Algorithmus',
    'MODEL-DIGEST': 'Prüfsumme des Modells',
    'ANALYSIS-TIME': 'Zeitpunkt der Analyse',
    'AI-RESULT': 'KI-Ergebnis Thoraxaufnahme - nicht zur Primärdiagnose',
    FILM: 'Gelesene Aufnahme',
    'FILM-NUMBER': 'Nummer der Aufnahme',
    'FILM-RESULT': 'Ergebnis einer Aufnahme',
    '130401': 'Wärmebild des Modells',
    '111031': 'Projektion',
    '399348003': 'anterior-posterior',
    '272479007': 'posterior-anterior',
    '399033003': 'frontal',
  },
  narrative: {
    title: 'KI-Ergebnis Thoraxaufnahme, nicht zur Primärdiagnose.',
    reason: 'Grund',
    model: (name, version) => `Modell: ${name} ${version}.`,
  },
  heatmap: (finding, model) =>
    `Klassenaktivierungskarte für ${finding} (${model}), über die Aufnahme gelegt; Farbskala 0 bis 1. Die Farben zeigen die Aufmerksamkeit des Modells, nicht die Ausdehnung der Erkrankung.`,
};

export const TEXTS: Readonly<Record<Language, Texts>> = { en: EN, de: DE };

/** Longest sentence, so that no remark pushes the rest of a text out of its field. */
const MAX_SENTENCE = 500;

/** The sentence for a remark in the language, else the remark's own. */
export function sentence(texts: Texts, remark: Remark): string {
  const known = Object.hasOwn(texts.remarks, remark.code) ? texts.remarks[remark.code] : undefined;
  return cut(known ?? remark.message, MAX_SENTENCE);
}

/** How a report words things: sentences of a language, and codes with the meaning they are shown with. */
export interface Wording {
  readonly texts: Texts;
  readonly coded: (code: Code) => Code;
}

/** A code with its meaning in the language. */
export function worded(texts: Texts, code: Code): Code {
  const meaning = Object.hasOwn(texts.meanings, code.value) ? texts.meanings[code.value] : undefined;
  return meaning === undefined ? code : { ...code, meaning };
}
