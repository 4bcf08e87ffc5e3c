import { configSchema } from './schema.ts';

/** What the walk needs of a zod schema. */
interface SchemaNode {
  readonly def?: {
    readonly type?: string;
    readonly shape?: Record<string, SchemaNode>;
    readonly innerType?: SchemaNode;
    readonly element?: SchemaNode;
    readonly options?: readonly SchemaNode[];
    readonly defaultValue?: unknown;
  };
  readonly description?: string | undefined;
}

/** One key of the configuration; entries of lists are written as `*`. */
export interface ConfigKey {
  readonly path: string;
  readonly sentence: string | undefined;
  /** Undefined where it has none of its own. */
  readonly fallback: unknown;
  /** It holds other keys. */
  readonly isGroup: boolean;
}

/** Every key there is, in the order of the schema; those of alternatives (`auth.type`) each once. */
export function configKeys(): ConfigKey[] {
  const keys = new Map<string, ConfigKey>();
  function visit(node: SchemaNode, path: string): void {
    for (const object of opened(node)) {
      if (object.def?.element !== undefined) visit(object.def.element, `${path}.*`);
      for (const [key, value] of Object.entries(object.def?.shape ?? {})) {
        const inner = path === '' ? key : `${path}.${key}`;
        const [isGroup, fallback] = [opened(value).some(holdsKeys), fallbackOf(value)];
        if (!keys.has(inner)) {
          keys.set(inner, { path: inner, sentence: sentenceOf(value), fallback, isGroup });
        }
        visit(value, inner);
      }
    }
  }
  visit(configSchema as unknown as SchemaNode, '');
  return [...keys.values()];
}

function holdsKeys(node: SchemaNode): boolean {
  if (node.def?.element !== undefined) return opened(node.def.element).some(holdsKeys);
  return node.def?.shape !== undefined;
}

/** A node without its default, optional and alternatives around it. */
function opened(node: SchemaNode): SchemaNode[] {
  if (node.def?.innerType !== undefined) return opened(node.def.innerType);
  if (node.def?.options !== undefined) return node.def.options.flatMap(opened);
  return [node];
}

function fallbackOf(node: SchemaNode): unknown {
  return node.def?.type === 'default' ? node.def.defaultValue : undefined;
}

function sentenceOf(node: SchemaNode): string | undefined {
  if (node.description !== undefined) return node.description;
  return node.def?.innerType === undefined ? undefined : sentenceOf(node.def.innerType);
}

/** The schema below a path, looking through defaults, optionals, lists and alternatives. */
function nodesAt(path: readonly PropertyKey[]): SchemaNode[] {
  let nodes: SchemaNode[] = [configSchema as unknown as SchemaNode];
  for (const key of path) {
    nodes = nodes.flatMap(opened).flatMap((node) => {
      if (node.def?.element !== undefined) return [node.def.element];
      const next = node.def?.shape?.[String(key)];
      return next === undefined ? [] : [next];
    });
  }
  return nodes;
}

/** Keys that may stand at a path, of all alternatives there. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  const shapes = nodesAt(path)
    .flatMap(opened)
    .flatMap((node) => Object.keys(node.def?.shape ?? {}));
  return [...new Set(shapes)];
}

/** What the schema says of the key at a path. */
export function keySentence(path: readonly PropertyKey[]): string | undefined {
  return nodesAt(path)
    .map(sentenceOf)
    .find((sentence) => sentence !== undefined);
}

/** Where else a key of this name stands: `server.port` for `port`. */
export function placesOfKey(name: string): string[] {
  return configKeys()
    .map(({ path }) => path)
    .filter((path) => path.split('.').at(-1) === name);
}
