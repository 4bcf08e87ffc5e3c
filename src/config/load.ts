import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import type * as z from 'zod';
import { interpolate, type Problem } from './interpolate.ts';
import { masked } from './mask.ts';
import { nearest } from './nearest.ts';
import { type Config, configSchema } from './schema.ts';
import { parseDuration } from './units.ts';

/** A configuration that holds, or everything that is wrong with it. */
export type LoadedConfig =
  | { readonly kind: 'valid'; readonly config: Config; readonly file: string | null }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[]; readonly file: string | null };

type Issue = z.core.$ZodIssue;

const DAY_MS = 24 * 60 * 60_000;

/**
 * Reads a YAML config file, fills in `${env:NAME}` and `${file:PATH}`, checks it, and adds the defaults.
 * Collects every problem before it says no. Without a file the defaults alone are the configuration.
 */
export function loadConfig(
  file: string | null,
  env: Readonly<Record<string, string | undefined>> = process.env,
): LoadedConfig {
  if (file === null) return { kind: 'valid', config: configSchema.parse({}), file };
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

/** The same for text that was read already; `folder` is what `${file:…}` paths are relative to. */
function parseConfig(
  source: string,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): { kind: 'valid'; config: Config } | { kind: 'invalid'; problems: readonly Problem[] } {
  const lines = new LineCounter();
  const yaml = parseDocument(source, { lineCounter: lines, uniqueKeys: true });
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
  const { document, problems, referenced } = interpolate(plain, folder, env);
  const parsed = configSchema.safeParse(document);
  const found = [...problems];
  if (!parsed.success) {
    const unresolved = new Set(problems.map((problem) => problem.path));
    for (const issue of parsed.error.issues) {
      for (const problem of describeIssue(issue, document, referenced)) {
        if (!unresolved.has(problem.path)) found.push(problem);
      }
    }
  } else {
    found.push(...contradictions(parsed.data));
  }
  if (found.length > 0) return { kind: 'invalid', problems: found };
  if (!parsed.success) return { kind: 'invalid', problems: found };
  return { kind: 'valid', config: parsed.data };
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** A value as it may be shown in a problem: short, and masked where it is secret or came from a secret. */
function shown(value: unknown, path: readonly PropertyKey[], referenced: ReadonlySet<string>): string {
  if (referenced.has(path.join('.'))) return '********';
  const text = JSON.stringify(masked(value, String(path.at(-1) ?? ''))) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function describeIssue(issue: Issue, document: unknown, referenced: ReadonlySet<string>): Problem[] {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      return {
        path: path === '' ? key : `${path}.${key}`,
        message: 'There is no such key.',
        remedy: meant === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${meant}?`,
      };
    });
  }
  const value = valueAt(document, issue.path);
  const message =
    value === undefined
      ? 'is missing'
      : issue.message.startsWith('is ')
        ? issue.message
        : issue.message.replace(/^Invalid (input|option): /, '');
  return [
    {
      path,
      ...(value === undefined ? {} : { value: shown(value, issue.path, referenced) }),
      message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.`,
      remedy: keySentence(issue.path) ?? 'See the commented config/deep-health.yaml.',
    },
  ];
}

interface SchemaNode {
  readonly def?: {
    readonly type?: string;
    readonly shape?: Record<string, SchemaNode>;
    readonly innerType?: SchemaNode;
    readonly element?: SchemaNode;
    readonly options?: readonly SchemaNode[];
  };
  readonly description?: string | undefined;
}

/** The schema below a path, looking through defaults, optionals, lists and alternatives. */
function nodesAt(path: readonly PropertyKey[]): SchemaNode[] {
  let nodes: SchemaNode[] = [configSchema as unknown as SchemaNode];
  const open = (node: SchemaNode): SchemaNode[] => {
    if (node.def?.innerType !== undefined) return open(node.def.innerType);
    if (node.def?.options !== undefined) return node.def.options.flatMap(open);
    return [node];
  };
  for (const key of path) {
    nodes = nodes.flatMap(open).flatMap((node) => {
      if (node.def?.element !== undefined) return [node.def.element];
      const next = node.def?.shape?.[String(key)];
      return next === undefined ? [] : [next];
    });
  }
  return nodes;
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  const shapes: string[] = [];
  const visit = (node: SchemaNode): void => {
    if (node.def?.innerType !== undefined) visit(node.def.innerType);
    for (const option of node.def?.options ?? []) visit(option);
    shapes.push(...Object.keys(node.def?.shape ?? {}));
  };
  for (const node of nodesAt(path)) visit(node);
  return [...new Set(shapes)];
}

function keySentence(path: readonly PropertyKey[]): string | undefined {
  return nodesAt(path).find((node) => node.description !== undefined)?.description;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** What single keys cannot tell: values that do not go together. */
function contradictions(config: Config): Problem[] {
  const problems: Problem[] = [];
  const { host, users, tokens } = config.server;
  if (!LOOPBACK.test(host) && users.length === 0 && tokens.length === 0) {
    problems.push({
      path: 'server.host',
      value: JSON.stringify(host),
      message: 'Without users or tokens the service listens on a loopback address only.',
      remedy: 'Add server.users or server.tokens, or use 127.0.0.1.',
    });
  }
  for (const key of ['pacs', 'ris'] as const) {
    const names = config[key].map((entry) => entry.name);
    names.forEach((entry, index) => {
      if (names.indexOf(entry) !== index) {
        problems.push({
          path: `${key}.${index}.name`,
          value: JSON.stringify(entry),
          message: 'This name is used twice.',
          remedy: 'Give each entry a name of its own.',
        });
      }
    });
  }
  const known = config.pacs.map((entry) => entry.name);
  // Each is a destination of its own in the ledger; `folder` is the outbox.
  config.ris.forEach((entry, index) => {
    if (known.includes(entry.name)) {
      problems.push({
        path: `ris.${index}.name`,
        value: JSON.stringify(entry.name),
        message: 'A PACS has this name already.',
        remedy: 'Give the RIS another name.',
      });
    }
  });
  for (const key of ['pacs', 'ris'] as const) {
    config[key].forEach(({ name }, index) => {
      if (name === 'folder') {
        problems.push({
          path: `${key}.${index}.name`,
          value: JSON.stringify(name),
          message: 'This name stands for the outbox folder.',
          remedy: 'Use another name.',
        });
      }
    });
  }
  (config.report.to ?? []).forEach((entry, index) => {
    if (!known.includes(entry)) {
      const meant = nearest(entry, known);
      problems.push({
        path: `report.to.${index}`,
        value: JSON.stringify(entry),
        message: 'No PACS has this name.',
        remedy: meant === undefined ? 'Name an entry of pacs.' : `Did you mean ${meant}?`,
      });
    }
  });
  const retention = parseDuration(config.storage.retention);
  const daysAsked = Math.max(0, ...config.pacs.map(({ poll }) => poll?.days ?? 0));
  // What is forgotten while the archive still shows it would be new, read and reported once more.
  if (retention !== undefined && daysAsked > 0 && retention < (daysAsked + 2) * DAY_MS) {
    problems.push({
      path: 'storage.retention',
      value: JSON.stringify(config.storage.retention),
      message: `Polls ask ${daysAsked} days back: studies would be forgotten while they are still found, and read again.`,
      remedy: `Keep them for ${daysAsked + 2} d at least.`,
    });
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone: config.report.timeZone });
  } catch {
    problems.push({
      path: 'report.timeZone',
      value: JSON.stringify(config.report.timeZone),
      message: 'This is not an IANA time zone.',
      remedy: 'Use a name such as Europe/Berlin or UTC.',
    });
  }
  return problems;
}
