import { z } from 'zod';
import { DeepHealthError } from '../errors/error.ts';
import { canonicalJson, sha256 } from './canonical.ts';
import { LABELS, type ModelIdentity } from './reading.ts';

const FORMAT = 1;
/** The way from film to features (training/PREPROCESSING.md). */
const PREPROCESSING = 'dh-pre-2';
const probability = z.number().min(0).max(1);

/** A file of the model folder. Only plain names: a manifest must not reach out of its folder. */
const file = z.object({
  path: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be the plain name of a file in the model folder'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits'),
  bytes: z.int().positive(),
});
const code = z.object({ value: z.string().min(1), scheme: z.string().min(1), meaning: z.string().min(1) });

const share = z.number().min(0).max(0.45);
const trim = z.looseObject({ deviation: z.number().min(0).max(1), share });
const framing = z.looseObject({
  method: z.literal('trim-localise'),
  trim,
  localiser: z
    .looseObject({
      width: z.int().min(8).max(512),
      height: z.int().min(8).max(512),
      enlarge: z.number().min(0.5).max(3),
      /** The largest side of a believable thorax, as a share of the trimmed film's side. */
      largest: z.number().min(1).max(4).optional(),
    })
    .optional(),
});

const gate = z.looseObject({
  /** Side of the thumbnail that stands beside the features in a gate vector. */
  thumb: z.int().min(2).max(64),
  /** What a picture may be; the first is an upright frontal chest film. */
  kinds: z.array(z.string().min(1)).min(2),
  components: z.int().min(1).max(512),
  minChest: probability,
  maxDistance: z.number().positive(),
});

const manifestSchema = z.looseObject({
  format: z.literal(FORMAT),
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be a short name without blanks'),
  version: z.string().regex(/^\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?$/, 'must be a version like 1.2.3'),
  architecture: z.string().min(1),
  labels: z.array(z.object({ id: z.string(), code })),
  input: z.looseObject({
    width: z.int().positive().max(2048),
    height: z.int().positive().max(2048),
    channels: z.literal(1),
    range: z.tuple([z.literal(0), z.literal(1)]),
    /** Films are made ready in one way, and a head, a gate and thresholds fit no other. */
    preprocessing: z.literal(PREPROCESSING, `must be ${PREPROCESSING}, as this version makes films ready`),
    framing,
    resize: z.literal('triangle'),
    contrast: z.looseObject({
      mean: z.number().min(0).max(1),
      deviation: z.number().positive().max(1),
      minDeviation: z.number().positive().max(1),
    }),
  }),
  files: z.looseObject({ backbone: file, head: file, localiser: file.optional(), gate: file.optional() }),
  calibration: z.looseObject({ temperature: z.number().positive() }),
  decision: z
    .looseObject({ present: probability, absent: probability, typeMargin: probability })
    .refine(({ absent, present }) => absent <= present, 'absent must not be above present'),
  gate: gate.nullish(),
  population: z.looseObject({
    ageYears: z.tuple([z.number().min(0), z.number().min(0)]),
    views: z.array(z.string()).min(1),
    description: z.string(),
  }),
  /**
   * What the films were like that the model was accepted with: shares of films by P(pneumonia) in ten bins of
   * equal width, [0, 0.1), [0.1, 0.2) … [0.9, 1]. Drift is measured against it.
   */
  reference: z
    .looseObject({ pneumonia: z.array(probability).length(10), films: z.int().positive() })
    .optional(),
  provenance: z.unknown(),
  metrics: z.unknown(),
});

/** `manifest.json` of a model folder, checked. Parts that are for people only stay as they are. */
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestFile = z.infer<typeof file>;

/**
 * Reads the text of a manifest.
 * @throws `model.format` (another format number), `model.labels`, `model.manifest` (everything else; the
 * message names each value that is wrong)
 */
export function parseManifest(text: string): { manifest: Manifest; identity: ModelIdentity } {
  const value = parseJson(text);
  const format = (value as { format?: unknown } | null)?.format;
  if (format !== FORMAT) {
    throw new DeepHealthError(
      'model.format',
      `The manifest has format ${JSON.stringify(format)}; this version knows format ${FORMAT}.`,
    );
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || 'manifest'}: ${issue.message}`,
    );
    throw new DeepHealthError(
      'model.manifest',
      `The manifest of the model is not valid. ${problems.join('; ')}`,
    );
  }
  const manifest = parsed.data;
  const ids = manifest.labels.map((label) => label.id);
  const missing = LABELS.filter((label) => !ids.includes(label));
  if (missing.length > 0 || ids.length !== LABELS.length) {
    throw new DeepHealthError(
      'model.labels',
      `The model has the labels ${ids.join(', ')}; needed are ${LABELS.join(', ')}.`,
    );
  }
  return {
    manifest,
    identity: { name: manifest.name, version: manifest.version, sha256: sha256(canonicalJson(value)) },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DeepHealthError('model.manifest', 'The manifest of the model is not JSON.', { cause });
  }
}
