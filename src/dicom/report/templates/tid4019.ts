import { DCM } from '../codes.ts';
import { code, type Modifier, modifiedBy, text } from '../content.ts';

/** How the result was computed. */
export interface AlgorithmIdentification {
  readonly name: string;
  readonly version: string;
  /** One text each: weights, preprocessing, thresholds. */
  readonly parameters: readonly string[];
}

/**
 * TID 4019 Algorithm Identification (PS3.16). Its rows take the relationship of the place where the template
 * is used: in a measurement group HAS CONCEPT MOD.
 */
export function algorithmIdentification({ name, version, parameters }: AlgorithmIdentification): Modifier[] {
  return [
    modifiedBy(text(DCM.algorithmName, name)),
    modifiedBy(text(DCM.algorithmVersion, version)),
    ...parameters.map((parameter) => modifiedBy(text(DCM.algorithmParameters, parameter))),
    modifiedBy(code(DCM.algorithmFamily, DCM.artificialIntelligence)),
  ];
}
