import type { Code } from '../codes.ts';
import { DCM, UNITS } from '../codes.ts';
import { type Contained, code, contains, modifiedBy, num } from '../content.ts';

/**
 * TID 300 Measurement (PS3.16), as a share in percent: row 1 with its value, and where the number belongs to
 * another finding than the group's, that finding as a modifier.
 */
export function percentMeasurement(name: Code, percent: string, finding?: Code): Contained {
  const modifiers = finding === undefined ? [] : [modifiedBy(code(DCM.finding, finding))];
  return contains(num(name, percent, UNITS.percent, modifiers));
}
