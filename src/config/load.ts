import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { adviceFor } from './advice.ts';
import { bestGuess } from './best-guess.ts';
import { contradictions } from './contradictions.ts';
import { describeIssue } from './describe-issue.ts';
import { interpolate, type Problem } from './interpolate.ts';
import { type Config, configSchema } from './schema.ts';

/** A configuration that holds, or everything that is wrong with it. */
export type LoadedConfig =
  | {
      readonly kind: 'valid';
      readonly config: Config;
      /** What works and is still not a good idea. */
      readonly advice: readonly Problem[];
      readonly file: string | null;
    }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[]; readonly file: string | null };

/**
 * Reads a YAML config file, fills in `${env:NAME}` and `${file:PATH}`, checks it, and adds the defaults.
 * Collects every problem before it says no. Without a file the defaults alone are the configuration.
 */
export function loadConfig(
  file: string | null,
  env: Readonly<Record<string, string | undefined>> = process.env,
): LoadedConfig {
  if (file === null) return { kind: 'valid', config: configSchema.parse({}), advice: [], file };
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const problem = {
      path: '',
      message: `The config file cannot be read (${code}).`,
      remedy: 'Check the path and its permissions.',
    };
    return { kind: 'invalid', problems: [problem], file };
  }
  return { ...parseConfig(source, dirname(resolve(file)), env), file };
}

/** Levels of maps and lists: far more than the schema has, far fewer than a stack. */
const MOST_LEVELS = 32;
const TOO_DEEP: Problem = {
  path: '',
  message: `Values are nested in more than ${MOST_LEVELS} levels.`,
  remedy: 'Look for brackets or indentation that were not meant.',
};

/** Whether maps and lists are nested in more than so many levels, told without a stack of calls. */
function isDeeper(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) return true;
    // An alias can be in many places, also within itself: each map and list counts once a level.
    const inside = new Set<unknown>();
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue;
      for (const part of Object.values(each)) if (typeof part === 'object' && part !== null) inside.add(part);
    }
    level = [...inside];
  }
  return false;
}

/** The same for text that was read already; `folder` is what `${file:…}` paths are relative to. */
function parseConfig(
  source: string,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
):
  | { kind: 'valid'; config: Config; advice: readonly Problem[] }
  | { kind: 'invalid'; problems: readonly Problem[] } {
  // Loaded when there is a file: without one everything is as it comes.
  const { LineCounter, parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  const lines = new LineCounter();
  const yaml = parseDocument(source, {
    lineCounter: lines,
    uniqueKeys: true,
    // A map as a key would be printed as a warning, and a password in it with it.
    stringKeys: true,
    logLevel: 'error',
  });
  // The reader's own stack ended.
  if (yaml.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) {
    return { kind: 'invalid', problems: [TOO_DEEP] };
  }
  if (yaml.errors.length > 0) {
    const problems = yaml.errors.map((error): Problem => {
      const { line, col } = lines.linePos(error.pos[0]);
      return {
        path: '',
        message: `Line ${line}, column ${col}: not YAML (${error.code}).`,
        remedy: 'Mend the indentation, quotes or doubled key there.',
      };
    });
    return { kind: 'invalid', problems };
  }
  let plain: unknown;
  try {
    plain = yaml.toJS({ maxAliasCount: 20 }) ?? {};
  } catch {
    const problem = {
      path: '',
      message: 'The aliases (*name) cannot be resolved or multiply too much.',
      remedy: 'Write the values out.',
    };
    return { kind: 'invalid', problems: [problem] };
  }
  if (isDeeper(plain, MOST_LEVELS)) return { kind: 'invalid', problems: [TOO_DEEP] };
  const { document, problems, referenced } = interpolate(plain, folder, env);
  const parsed = configSchema.safeParse(document);
  if (parsed.success) {
    const found = [...problems, ...contradictions(parsed.data).map(problemOf)];
    if (found.length > 0) return { kind: 'invalid', problems: found };
    return { kind: 'valid', config: parsed.data, advice: adviceFor(parsed.data, document, referenced) };
  }
  const unresolved = new Set(problems.map((problem) => problem.path));
  const wrong = parsed.error.issues
    .flatMap((issue) => describeIssue(issue, document, referenced))
    .filter(({ path }) => !unresolved.has(path));
  // A value that cannot be judged by itself says nothing about others.
  const guess = bestGuess(document);
  const beside =
    guess === undefined
      ? []
      : contradictions(guess.config).filter(
          ({ looksAt }) => ![...guess.guessed, ...unresolved].some((path) => touches(path, looksAt)),
        );
  return { kind: 'invalid', problems: [...problems, ...wrong, ...beside.map(problemOf)] };
}

function problemOf({ looksAt: _looksAt, ...problem }: ReturnType<typeof contradictions>[number]): Problem {
  return problem;
}

/** Whether a path is one of these, lies in one, or holds one. */
function touches(path: string, looksAt: readonly string[]): boolean {
  return looksAt.some(
    (other) => other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`),
  );
}
