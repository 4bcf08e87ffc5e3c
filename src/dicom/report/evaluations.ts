import type { Reading } from '../../ai/reading.ts';
import {
  APPLICABILITY_ANSWERS,
  DCM,
  LOCAL,
  PNEUMONIA_ANSWERS,
  QUALITY_GRADES,
  QUALITY_REASONS,
  SCT,
  TRIAGE_CATEGORIES,
} from './codes.ts';
import { type CodeItem, code, type TextItem, text } from './content.ts';
import type { Findings, Summary } from './findings.ts';
import { sentence, type Wording } from './texts.ts';

/** The qualitative items that both reports share; each list may hold several films' reasons. */

export function pneumoniaItem(answer: Reading['pneumonia'], { coded }: Wording): CodeItem {
  return code(coded(SCT.pneumonia), coded(PNEUMONIA_ANSWERS[answer]));
}

/** Grade, then in words each thing that lowered it. */
export function qualityItems(
  grade: Summary['quality'],
  films: readonly Findings[],
  { texts, coded }: Wording,
): (CodeItem | TextItem)[] {
  return [
    code(coded(DCM.qualityAssessment), coded(QUALITY_GRADES[grade])),
    ...told(films, texts, ({ quality }) => quality.reasons).map((words) =>
      text(coded(LOCAL.qualityRemark), words),
    ),
  ];
}

/** The coded reasons of the films, each once; most reasons have no code. */
export function codedQualityReasons(films: readonly Findings[]): CodeItem[] {
  const reasons = films.flatMap(({ quality }) =>
    quality.reasons.map((remark) => QUALITY_REASONS.get(remark.code)),
  );
  const known = new Set(reasons.filter((reason) => reason !== undefined));
  return [...known].map((reason) => code(LOCAL.qualityReason, reason));
}

/** Nothing when triage is off. */
export function triageItems(triage: Summary['triage'], { coded }: Wording): CodeItem[] {
  return triage === 'off' ? [] : [code(coded(LOCAL.triage), coded(TRIAGE_CATEGORIES[triage]))];
}

export function applicabilityItems(
  status: Summary['applicability'],
  films: readonly Findings[],
  { texts, coded }: Wording,
): (CodeItem | TextItem)[] {
  return [
    code(coded(LOCAL.applicability), coded(APPLICABILITY_ANSWERS[status])),
    ...told(films, texts, ({ applicability }) => applicability.reasons).map((words) =>
      text(coded(LOCAL.applicabilityReason), words),
    ),
  ];
}

/** Why there is no class; nothing when there is one. */
export function abstentionItems(films: readonly Findings[], { texts, coded }: Wording): TextItem[] {
  return told(films, texts, ({ abstained }) => (abstained === null ? [] : [abstained])).map((words) =>
    text(coded(LOCAL.abstainReason), words),
  );
}

/** The remarks of the films as sentences; of several films each with its number. */
function told(
  films: readonly Findings[],
  texts: Wording['texts'],
  remarksOf: (film: Findings) => Reading['quality']['reasons'],
): string[] {
  return films.flatMap((film, index) =>
    remarksOf(film)
      .map((remark) => sentence(texts, remark).trim())
      .filter((words) => words !== '')
      .map((words) => (films.length === 1 ? words : `${texts.film(index + 1)}: ${words}`)),
  );
}
