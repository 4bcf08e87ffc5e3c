import { LABELS } from '../ai/reading.ts';
import type { Film } from '../dicom/film/film.ts';
import {
  APPLICABILITY_ANSWERS,
  DCM,
  LABEL_PROBABILITIES,
  LOCAL,
  QUALITY_GRADES,
} from '../dicom/report/codes.ts';
import { conclusionOf } from '../dicom/report/conclusion.ts';
import type { Findings } from '../dicom/report/findings.ts';
import { placeOf } from '../dicom/report/material.ts';
import { sentence, type Texts, worded } from '../dicom/report/texts.ts';

/**
 * The result as a person reads it in the RIS, line by line: conclusion first, then of each film the three
 * shares, quality and applicability with their reasons, then the disclaimer.
 */
export function narrative(findings: readonly Findings[], films: readonly Film[], texts: Texts): string {
  return [
    texts.narrative.title,
    conclusionOf(findings, texts),
    ...films.flatMap((film, index) => {
      const found = findings[index];
      const name = films.length === 1 ? [] : [`${texts.film(index + 1)}${placeOf(film, texts)}:`];
      return found === undefined ? [] : [...name, ...filmLines(found, texts)];
    }),
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
