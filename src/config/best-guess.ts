import { valueAt } from './describe-issue.ts';
import { type Config, configSchema } from './schema.ts';

/** A configuration that could have been meant, and the paths at which it was guessed. */
export interface BestGuess {
  readonly config: Config;
  readonly guessed: ReadonlySet<string>;
}

const ROUNDS = 8;

/**
 * A configuration as near to a wrong document as can be had: a wrong value gives way to the default, one that
 * has none to a stand-in. Values that do not go together can so be named together with values that are wrong
 * in themselves. Undefined where nothing can be made of it.
 */
export function bestGuess(document: unknown): BestGuess | undefined {
  const draft: unknown = structuredClone(document);
  const guessed = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const parsed = configSchema.safeParse(draft);
    if (parsed.success) return { config: parsed.data, guessed: new Set(guessed.keys()) };
    for (const issue of parsed.error.issues) {
      const places =
        issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
      for (const place of places) {
        if (place.length === 0) return undefined;
        const tries = guessed.get(place.join('.')) ?? 0;
        guessed.set(place.join('.'), tries + 1);
        replace(draft, place, tries, round);
      }
    }
  }
  return undefined;
}

/** First the default, then a stand-in, then without what holds it. Entries of lists keep their places. */
function replace(draft: unknown, place: readonly PropertyKey[], tries: number, round: number): void {
  const key = place.at(-1);
  const holder = valueAt(draft, place.slice(0, -1));
  if (key === undefined || typeof holder !== 'object' || holder === null) return;
  const entries = holder as Record<PropertyKey, unknown>;
  if (tries >= 2) {
    if (place.length > 1) replace(draft, place.slice(0, -1), 0, round);
  } else if (typeof key === 'number') {
    entries[key] = {};
  } else if (entries[key] !== undefined) {
    delete entries[key];
  } else {
    entries[key] = standIn(String(key), `stand-in-${round}-${place.join('-')}`);
  }
}

function standIn(key: string, unique: string): unknown {
  if (key === 'url' || key === 'tokenUrl') return 'http://stand-in.invalid/';
  if (key === 'port') return 1;
  if (key === 'type') return 'none';
  return unique.replaceAll(/[^A-Za-z0-9-]/g, '').slice(0, 32);
}
