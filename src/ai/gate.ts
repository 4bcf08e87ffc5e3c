import type { Activations } from './classify.ts';
import type { ModelFolder } from './folder.ts';
import type { GateVerdict } from './quality.ts';

/** Tells chest films like those of the training from anything else. */
export interface Gate {
  judge(activations: Activations): GateVerdict;
}

/** The gate of a model folder, or none. */
export function readGate(_folder: ModelFolder): Gate | undefined {
  return undefined;
}
