import { type Code, DCM, QUALITATIVE_EVALUATIONS } from '../codes.ts';
import {
  type CodeItem,
  type Contained,
  type ContainerItem,
  code,
  container,
  contains,
  type Modifier,
  modifiedBy,
  type ObservationContext,
  type TextItem,
} from '../content.ts';

/** The parts of the report, each built by its own template. */
export interface MeasurementReport {
  /** TID 1204 */
  readonly language: Modifier;
  /** TID 1002 */
  readonly observer: readonly ObservationContext[];
  readonly procedure: Code;
  /** TID 1600 */
  readonly library: Contained;
  /** TID 1501, one a film */
  readonly groups: readonly Contained[];
  /** Rows 13 and 14: codes and texts only. */
  readonly evaluations: readonly (CodeItem | TextItem)[];
}

/**
 * TID 1500 Measurement Report (PS3.16): modifiers and contexts first (the order of TID 1001 counts), then
 * library, measurements and evaluations; OHIF and IHE AIR receivers need the first two even when the model
 * abstains.
 */
export function measurementReport(report: MeasurementReport): ContainerItem {
  return container(
    DCM.imagingMeasurementReport,
    [
      report.language,
      ...report.observer,
      modifiedBy(code(DCM.procedureReported, report.procedure)),
      report.library,
      contains(container(DCM.imagingMeasurements, report.groups)),
      contains(container(QUALITATIVE_EVALUATIONS, report.evaluations.map(contains))),
    ],
    '1500',
  );
}
