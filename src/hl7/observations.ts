import { LABELS } from '../ai/reading.ts';
import {
  APPLICABILITY_ANSWERS,
  type Code,
  DCM,
  LABEL_PROBABILITIES,
  LOCAL,
  LOINC,
  QUALITY_GRADES,
  SCT,
  TRIAGE_CATEGORIES,
} from '../dicom/report/codes.ts';
import { conclusionOf } from '../dicom/report/conclusion.ts';
import { type Findings, summaryOf } from '../dicom/report/findings.ts';
import { DEFAULT_REPORT_OPTIONS } from '../dicom/report/report.ts';
import { TEXTS } from '../dicom/report/texts.ts';
import { coded, components } from './fields.ts';
import { narrative } from './narrative.ts';
import type { Result } from './result.ts';

/** Fields of a segment by number. */
export type Fields = Readonly<Record<number, string>>;

/** The OBX segments in order (standards 3.2), without their set ids. */
export function observations(result: Result): Fields[] {
  const { input, profile, make, studyUid, findings, report } = result;
  const texts = TEXTS[report.options?.language ?? DEFAULT_REPORT_OPTIONS.language];
  const { pneumonia } = summaryOf(findings);
  const flag = pneumonia === 'present' ? 'A' : pneumonia === 'absent' ? 'N' : '';
  const written = (name: Code, value: string): Fields => ({
    ...resultFields(result),
    2: 'TX',
    3: coded(name, make),
    4: '1',
    5: make.paragraph(value),
    8: flag,
  });
  return [
    {
      2: 'ST',
      3: components('113014', 'DICOM Study', 'DCM'),
      5: make.identifier(studyUid),
      11: 'O',
    },
    written(
      LOINC.procedureFindings,
      narrative(
        findings,
        report.films.map(({ film }) => film),
        texts,
      ),
    ),
    ...(profile.impression ? [written(LOINC.impression, conclusionOf(findings, texts))] : []),
    ...findings.flatMap((film, index) => filmObservations(film, String(index + 1), result)),
    ...(profile.srReference && input.srInstanceUid !== undefined
      ? [{ 2: 'HD', 3: '^SR Instance UID', 5: make.identifier(input.srInstanceUid), 11: 'O' }]
      : []),
    ...viewer(result),
  ];
}

/** Where a person can look at the study; nothing when no address was given. */
function viewer({ input, make }: Result): Fields[] {
  const url = make.identifier(input.viewerUrl);
  if (url === '') return [];
  const name = coded(LOINC.diagnosticImagingStudy, make);
  return [{ 2: 'RP', 3: name, 5: components(url, 'application', 'TX', 'text/html'), 11: 'O' }];
}

/** The coded result of one film; OBX-4 groups what belongs to it. */
function filmObservations(film: Findings, subId: string, result: Result): Fields[] {
  const { make, profile } = result;
  const type = profile.version === '2.5.1' ? 'CWE' : 'CE';
  const base = { ...resultFields(result), 4: subId };
  const code = (name: Code, value: Code, flag = ''): Fields => ({
    ...base,
    2: type,
    3: coded(name, make),
    5: coded(value, make),
    8: flag,
  });
  const flag = film.label === 'normal' ? 'N' : 'A';
  return [
    film.finding === null ? code(DCM.finding, SCT.undetermined) : code(DCM.finding, film.finding, flag),
    ...LABELS.map((label) => ({
      ...base,
      2: 'NM',
      3: coded(LABEL_PROBABILITIES[label], make),
      5: film.percents[label],
      6: components('%', 'percent', 'UCUM'),
    })),
    ...(film.triage === 'off' ? [] : [code(LOCAL.triage, TRIAGE_CATEGORIES[film.triage])]),
    code(DCM.qualityAssessment, QUALITY_GRADES[film.quality.status]),
    code(LOCAL.applicability, APPLICABILITY_ANSWERS[film.applicability.status]),
  ];
}

/** Status, times and the device; a field that a version does not know yet is not sent. */
function resultFields({ input, report, profile, make, first, imaged, analysed }: Result): Fields {
  const { station } = report;
  const { model } = first.reading;
  return {
    11: input.status ?? 'P',
    14: imaged,
    15: components(
      make.text(profile.sendingApplication.split('^')[0] ?? ''),
      make.text(`${station.modelName} ${station.version}`),
      'L',
    ),
    17: components(
      make.text(LOCAL.chestClassifier.value),
      make.text(`${model.name} ${model.version}`),
      make.text(LOCAL.chestClassifier.scheme),
    ),
    ...(profile.version === '2.3.1'
      ? {}
      : {
          18: components(
            make.text(station.serialNumber),
            make.text(profile.sendingApplication.split('^')[0] ?? ''),
          ),
          19: analysed,
        }),
  };
}
