import { LABELS } from '../../ai/reading.ts';
import type { LocalTime } from './clock.ts';
import { type Code, DCM, LABEL_PROBABILITIES, LOCAL, UNITS } from './codes.ts';
import { conclusionOf } from './conclusion.ts';
import {
  type CodeItem,
  type ContainerItem,
  code,
  container,
  contains,
  type ImageItem,
  image,
  type NumItem,
  num,
  observedIn,
  type TextItem,
  text,
} from './content.ts';
import type { SrClass } from './encode.ts';
import {
  abstentionItems,
  applicabilityItems,
  pneumoniaItem,
  qualityItems,
  triageItems,
} from './evaluations.ts';
import { type Findings, summaryOf } from './findings.ts';
import { placeOf, type ReportedFilm, viewOf } from './material.ts';
import type { DeviceObserver } from './templates/tid1004.ts';
import { languageOfContent } from './templates/tid1204.ts';
import { type Texts, type Wording, worded } from './texts.ts';

/** What the tree of profile `text` is made of. */
export interface TextReport {
  readonly films: readonly ReportedFilm[];
  readonly observer: DeviceObserver;
  readonly analysed: LocalTime;
  readonly texts: Texts;
  readonly srClass: Exclude<SrClass, 'comprehensive-3d'>;
}

type NamedItem = TextItem | CodeItem | NumItem | ImageItem | ContainerItem;

/**
 * Profile `text`: what a radiologist reads in the viewer, the result first. It follows no template, so the
 * language and the observer stand after the result. Every item has a concept name: a viewer was seen to go
 * black on one without.
 */
export function textTree(report: TextReport): ContainerItem {
  const { films, observer, texts } = report;
  const wording: Wording = { texts, coded: (concept) => worded(texts, concept) };
  const findings = films.map((film) => film.findings);
  const summary = summaryOf(findings);
  const [only] = films.length === 1 ? films : [];
  const results =
    only !== undefined
      ? [...resultItems(only, report, wording), ...triageItems(summary.triage, wording)]
      : [
          ...triageItems(summary.triage, wording),
          ...films.map((film, index) => filmResult(film, index, report, wording)),
        ];
  const items: NamedItem[] = [
    text(wording.coded(DCM.conclusion), conclusionOf(findings, texts)),
    pneumoniaItem(summary.pneumonia, wording),
    ...results,
    text(wording.coded(DCM.comment), texts.disclaimer),
    ...modelItems(report, wording),
    ...(only === undefined ? [] : imageItems(only, wording)),
  ];
  return container(wording.coded(LOCAL.aiResult), [
    ...items.map(contains),
    languageOfContent(texts.language),
    observedIn(code(DCM.observerType, DCM.device)),
    observedIn(text(DCM.deviceName, observer.name)),
    observedIn(text(DCM.deviceModelName, observer.modelName)),
  ]);
}

/** Finding, probabilities, quality and applicability of one film. */
function resultItems(film: ReportedFilm, report: TextReport, wording: Wording): NamedItem[] {
  const { findings } = film;
  const { coded } = wording;
  return [
    ...findingItems(findings, wording),
    ...abstentionItems([findings], wording),
    ...LABELS.map((label) =>
      share(coded(LABEL_PROBABILITIES[label]), findings.percents[label], report, wording),
    ),
    ...qualityItems(findings.quality.status, [findings], wording),
    ...applicabilityItems(findings.applicability.status, [findings], wording),
  ];
}

/**
 * The finding as a code; the class normal in words instead: "Finding: Normal" would be read as a normal film,
 * and the model knows pneumonia only.
 */
function findingItems({ finding, label }: Findings, { texts, coded }: Wording): NamedItem[] {
  if (finding === null) return [];
  if (label === 'normal') return [text(coded(DCM.finding), texts.noSign)];
  return [code(coded(DCM.finding), coded(finding))];
}

/** Basic Text SR knows no numbers, so there a share is told in words. */
function share(name: Code, percent: string, { srClass }: TextReport, { texts, coded }: Wording): NamedItem {
  return srClass === 'basic-text'
    ? text(name, texts.percent(percent))
    : num(name, percent, coded(UNITS.percent));
}

/** One of several films, in a section of its own. */
function filmResult(film: ReportedFilm, index: number, report: TextReport, wording: Wording): ContainerItem {
  const { texts, coded } = wording;
  const view = viewOf(film.read.film);
  const items: NamedItem[] = [
    text(coded(LOCAL.filmNumber), `${index + 1} / ${report.films.length}${placeOf(film.read.film, texts)}`),
    ...(view === null ? [] : [code(coded(DCM.imageView), coded(view))]),
    pneumoniaItem(film.findings.pneumonia, wording),
    ...resultItems(film, report, wording),
    ...imageItems(film, wording),
  ];
  return container(coded(LOCAL.filmResult), items.map(contains));
}

function modelItems({ films: [film], analysed }: TextReport, { coded }: Wording): NamedItem[] {
  if (film === undefined) return [];
  const { model } = film.read.reading;
  const day = `${analysed.date.slice(0, 4)}-${analysed.date.slice(4, 6)}-${analysed.date.slice(6)}`;
  const hour = `${analysed.time.slice(0, 2)}:${analysed.time.slice(2, 4)}:${analysed.time.slice(4)}`;
  return [
    text(coded(DCM.algorithmName), model.name),
    text(coded(DCM.algorithmVersion), model.version),
    text(coded(LOCAL.modelDigest), `sha256:${model.sha256}`),
    text(
      coded(LOCAL.analysisTime),
      `${day} ${hour} (UTC${analysed.offset.slice(0, 3)}:${analysed.offset.slice(3)})`,
    ),
  ];
}

function imageItems({ identity, heatmap }: ReportedFilm, { coded }: Wording): ImageItem[] {
  return [
    image(coded(LOCAL.filmRead), identity),
    ...(heatmap === null ? [] : [image(coded(DCM.visualExplanation), heatmap)]),
  ];
}
