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

/** Grade, then a coded reason or a remark in words for each thing that lowered it. */
export function qualityItems(
  grade: Summary['quality'],
  films: readonly Findings[],
  { texts, coded }: Wording,
): (CodeItem | TextItem)[] {
  const reasons = told(films, texts, ({ quality }) => quality.reasons);
  return [
    code(coded(DCM.qualityAssessment), coded(QUALITY_GRADES[grade])),
    ...reasons.map(({ code: reason, told: words }) => {
      const known = QUALITY_REASONS.get(reason);
      return known !== undefined && films.length === 1
        ? code(coded(LOCAL.qualityReason), coded(known))
        : text(coded(LOCAL.qualityRemark), words);
    }),
  ];
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
    ...told(films, texts, ({ applicability }) => applicability.reasons).map(({ told: words }) =>
      text(coded(LOCAL.applicabilityReason), words),
    ),
  ];
}

/** Why there is no class; nothing when there is one. */
export function abstentionItems(films: readonly Findings[], { texts, coded }: Wording): TextItem[] {
  return told(films, texts, ({ abstained }) => (abstained === null ? [] : [abstained])).map(
    ({ told: words }) => text(coded(LOCAL.abstainReason), words),
  );
}

interface Told {
  readonly code: string;
  readonly told: string;
}

/** The remarks of the films as sentences; of several films each with its number. */
function told(
  films: readonly Findings[],
  texts: Wording['texts'],
  remarksOf: (film: Findings) => Reading['quality']['reasons'],
): Told[] {
  return films.flatMap((film, index) =>
    remarksOf(film)
      .map((remark) => ({ code: remark.code, told: sentence(texts, remark).trim() }))
      .filter(({ told: words }) => words !== '')
      .map(({ code: reason, told: words }) => ({
        code: reason,
        told: films.length === 1 ? words : `${texts.film(index + 1)}: ${words}`,
      })),
  );
}
