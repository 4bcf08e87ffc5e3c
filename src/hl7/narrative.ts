import { LABELS } from '../ai/reading.ts';
import {
  APPLICABILITY_ANSWERS,
  DCM,
  LABEL_PROBABILITIES,
  LOCAL,
  QUALITY_GRADES,
} from '../dicom/report/codes.ts';
import { conclusionOf } from '../dicom/report/conclusion.ts';
import type { Findings } from '../dicom/report/findings.ts';
import { sentence, type Texts, worded } from '../dicom/report/texts.ts';

/**
 * The result as a person reads it in the RIS, line by line: conclusion first, then of each film the three
 * shares, quality and applicability with their reasons, then the disclaimer.
 */
export function narrative(films: readonly Findings[], texts: Texts): string {
  return [
    texts.narrative.title,
    conclusionOf(films, texts),
    ...films.flatMap((film, index) => [
      ...(films.length === 1 ? [] : [`${texts.film(index + 1)}:`]),
      ...filmLines(film, texts),
    ]),
    texts.disclaimer,
  ].join('\n');
}

function filmLines({ percents, abstained, quality, applicability }: Findings, texts: Texts): string[] {
  const meaning = (code: Parameters<typeof worded>[1]) => worded(texts, code).meaning;
  const reasons = (remarks: Findings['quality']['reasons']) =>
    remarks.map((remark) => sentence(texts, remark));
  return [
    ...(abstained === null ? [] : [sentence(texts, abstained)]),
    ...LABELS.map((label) => `${meaning(LABEL_PROBABILITIES[label])}: ${texts.percent(percents[label])}`),
    `${meaning(DCM.qualityAssessment)}: ${meaning(QUALITY_GRADES[quality.status])}`,
    ...reasons(quality.reasons),
    `${meaning(LOCAL.applicability)}: ${meaning(APPLICABILITY_ANSWERS[applicability.status])}`,
    ...reasons(applicability.reasons),
  ];
}
