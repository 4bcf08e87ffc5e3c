import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sha256 } from '../canonical.ts';
import { decide, type Thresholds } from '../decision.ts';
import { measure } from '../evaluate/measures.ts';
import { layOutScores } from '../evaluate/scores.ts';
import { outcomeOf, type ReadFilm } from '../evaluate/summary.ts';
import { headBytes, type ModelFolder } from '../folder.ts';
import { gateBytes, readGateNumbers } from '../gate.ts';
import type { Manifest } from '../manifest.ts';
import type { Probabilities } from '../reading.ts';
import { type Calibration, withBias } from './calibrate.ts';
import type { TrainingFilm } from './collect.ts';
import type { CrossValidated } from './cross-validate.ts';
import { fitGate } from './fit-gate.ts';
import { populationOf } from './population.ts';

/** What the new model is called and what its films are; see `RetrainOptions`. */
export interface NewModel {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
}

/** Writes head, gate, networks and manifest; gives the manifest. */
export async function writeModel(
  base: ModelFolder,
  films: readonly TrainingFilm[],
  validated: CrossValidated,
  calibration: Calibration,
  options: NewModel,
  folder: string,
): Promise<Manifest> {
  const { manifest } = base;
  const { temperature, present, absent, typeMargin } = calibration;
  const head = headBytes(withBias(validated.head, calibration));
  const files: Record<string, Uint8Array> = { backbone: await base.backbone(), head };
  if (base.localiser !== undefined) files.localiser = base.localiser;
  let gate = manifest.gate;
  if (gate != null && base.gate !== undefined) {
    const vectors = films.map(({ bottleneck }) =>
      Float32Array.of(...bottleneck.features, ...bottleneck.thumb),
    );
    const shown = films.map(({ bottleneck }) => bottleneck.shown);
    const own = { vectors, shown, folds: validated.of };
    const fitted = await fitGate(readGateNumbers(base.gate, gate), gate, own);
    files.gate = gateBytes(fitted.numbers);
    gate = { ...gate, ...fitted.rule, kinds: [...fitted.rule.kinds] };
  }
  const described: Manifest['files'] = { ...manifest.files };
  for (const [name, bytes] of Object.entries(files)) {
    const file = manifest.files[name as 'head']?.path ?? `${name}.bin`;
    await writeFile(path.join(folder, file), bytes);
    described[name as 'head'] = { path: file, sha256: sha256(bytes), bytes: bytes.length };
  }
  const description =
    options.description ??
    `${films.length} films given to retrain; base trained on: ${manifest.population.description}`;
  const population = populationOf(films, manifest.population, description);
  const made: Manifest = {
    ...manifest,
    name: options.name ?? `${manifest.name.slice(0, 53)}-retrained`,
    version: options.version ?? `${manifest.version.split('+')[0]}+${sha256(head).slice(0, 8)}`,
    files: described,
    calibration: { temperature },
    decision: { present, absent, typeMargin },
    ...(gate == null ? {} : { gate }),
    population: { ...population, ageYears: [...population.ageYears], views: [...population.views] },
    reference: referenceOf(calibration.probabilities),
    provenance: { base: base.identity, films: description, method: 'deep-health retrain' },
    metrics: heldOutMetrics(films, validated, calibration),
  };
  await writeFile(path.join(folder, 'manifest.json'), `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

/** What the service's scores are held against for drift: the shares of the held-out films by P(pneumonia). */
function referenceOf(held: readonly Probabilities[]): NonNullable<Manifest['reference']> {
  const counts = new Array<number>(10).fill(0);
  for (const { normal } of held) {
    const bin = Math.min(Math.floor((1 - normal) * 10), 9);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const films = held.length;
  return { pneumonia: counts.map((count) => Math.round((1e6 * count) / films) / 1e6), films };
}

/** Films with the probabilities that a head gives them, decided by thresholds; gate and quality are left out. */
export function decidedFilms(
  films: readonly TrainingFilm[],
  probabilities: readonly Probabilities[],
  thresholds: Thresholds,
): ReadFilm[] {
  return films.map(({ truth, patient, groups }, i) => {
    const own = probabilities[i] as Probabilities;
    const decision = decide(own, thresholds);
    const outcome = outcomeOf({ ...decision, quality: { status: 'diagnostic', reasons: [] } });
    return { truth, patient, probabilities: own, groups, ...outcome };
  });
}

/** The figures that the manifest carries, for `evaluate` to compare with. */
function heldOutMetrics(films: readonly TrainingFilm[], validated: CrossValidated, calibration: Calibration) {
  const scores = layOutScores(decidedFilms(films, calibration.probabilities, calibration));
  const { accuracy, aucPneumonia, aucType, sensitivity, specificity, ece } = measure(scores, calibration);
  const outOfFold = { accuracy, aucPneumonia, aucType, sensitivity, specificity, ece };
  return { outOfFold, films: films.length, patients: scores.patients.length, folds: validated.folds };
}
