import { type Code, DCM } from './codes.ts';
import { conclusionOf } from './conclusion.ts';
import { type CodeItem, type ContainerItem, type TextItem, text } from './content.ts';
import {
  abstentionItems,
  applicabilityItems,
  codedQualityReasons,
  pneumoniaItem,
  qualityItems,
  triageItems,
} from './evaluations.ts';
import { summaryOf } from './findings.ts';
import type { Algorithm } from './input.ts';
import { libraryFilm, measuredFilm, type ReportedFilm } from './material.ts';
import { observerContext } from './templates/tid1002.ts';
import type { DeviceObserver } from './templates/tid1004.ts';
import { languageOfContent } from './templates/tid1204.ts';
import { measurementReport } from './templates/tid1500.ts';
import { measurementGroup } from './templates/tid1501.ts';
import { imageLibrary, type StudyMoment } from './templates/tid1600.ts';
import type { Texts, Wording } from './texts.ts';

/** What the tree of profile `air` is made of. */
export interface AirReport {
  readonly films: readonly ReportedFilm[];
  readonly algorithm: Algorithm;
  readonly observer: DeviceObserver;
  readonly procedure: Code;
  readonly study: StudyMoment;
  readonly texts: Texts;
}

/**
 * Profile `air`: TID 1500 for machines and IHE AI Results receivers. One measurement group a film; the
 * qualitative evaluations answer for the study as a whole. Coded meanings stay English in every language:
 * receivers compare them.
 */
export function airTree({ films, algorithm, observer, procedure, study, texts }: AirReport): ContainerItem {
  const findings = films.map((film) => film.findings);
  const summary = summaryOf(findings);
  const wording: Wording = { texts, coded: (code) => code };
  const evaluations = [
    pneumoniaItem(summary.pneumonia, wording),
    ...abstentionItems(findings, wording),
    ...qualityItems(summary.quality, findings, wording),
    ...codedQualityReasons(findings),
    ...triageItems(summary.triage, wording),
    ...applicabilityItems(summary.applicability, findings, wording),
    text(DCM.conclusion, conclusionOf(findings, texts)),
    text(DCM.comment, texts.disclaimer),
  ];
  return measurementReport({
    language: languageOfContent(texts.language),
    observer: observerContext(observer),
    procedure,
    library: imageLibrary(films.map(libraryFilm), study),
    groups: films.map((film, index) => measurementGroup(measuredFilm(film, index, algorithm))),
    // TID 1500 has codes (row 13) before texts (row 14), and its order counts.
    evaluations: [...evaluations.filter(isCode), ...evaluations.filter((item) => !isCode(item))],
  });
}

function isCode({ valueType }: CodeItem | TextItem): boolean {
  return valueType === 'CODE';
}
