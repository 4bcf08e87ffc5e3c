import { LABELS } from '../../../ai/reading.ts';
import { DCM, LABEL_FINDINGS, LABEL_PROBABILITIES, SCT } from '../codes.ts';
import {
  type Contained,
  code,
  container,
  contains,
  image,
  modifiedBy,
  observedIn,
  polyline,
  type SopReference,
  text,
  uidref,
} from '../content.ts';
import type { Findings } from '../findings.ts';
import { percentMeasurement } from './tid300.ts';
import { type AlgorithmIdentification, algorithmIdentification } from './tid4019.ts';

/** What the group of one film is made of. */
export interface MeasuredFilm {
  readonly tracking: { readonly identifier: string; readonly uid: string };
  readonly findings: Findings;
  readonly algorithm: AlgorithmIdentification;
  readonly film: SopReference;
  /** Closed outline of what was fed to the model, in the film's columns and rows. */
  readonly region: readonly (readonly [number, number])[];
  readonly heatmap: SopReference | null;
}

/**
 * TID 1501 Measurement and Qualitative Evaluation Group (PS3.16) of one film. Without a finding (the model
 * abstains) rows 3b and the certainty are left out; the three probabilities always stand.
 */
export function measurementGroup(measured: MeasuredFilm): Contained {
  const { tracking, findings, film, heatmap } = measured;
  const { finding, certainty, percents } = findings;
  return contains(
    container(DCM.measurementGroup, [
      observedIn(text(DCM.trackingIdentifier, tracking.identifier)),
      observedIn(uidref(DCM.trackingUid, tracking.uid)),
      ...(finding === null ? [] : [contains(code(DCM.finding, finding))]),
      // A classic error is CONTAINS here; the site qualifies the group.
      modifiedBy(code(SCT.findingSite, SCT.lung)),
      ...algorithmIdentification(measured.algorithm),
      ...(certainty === null ? [] : [percentMeasurement(DCM.certaintyOfFinding, certainty)]),
      ...LABELS.map((label) =>
        percentMeasurement(LABEL_PROBABILITIES[label], percents[label], LABEL_FINDINGS[label]),
      ),
      contains(polyline(DCM.sourceOfMeasurement, measured.region, image(null, film))),
      ...(heatmap === null ? [] : [contains(image(DCM.visualExplanation, heatmap))]),
    ]),
  );
}
