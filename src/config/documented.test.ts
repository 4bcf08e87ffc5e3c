/** The commented config file, the JSON Schema beside it and the schema say the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { configJsonSchema } from './json-schema.ts';
import { loadConfig } from './load.ts';
import { configKeys } from './schema-tree.ts';

const FILE = 'config/deep-health.yaml';
const COMMENTED_KEY = /^(\s*)# (?=\s*(- )?[A-Za-z]+:( |$))/;
const COMMENTED_LIST = /^(\s*)# (?=\s*\[)/;

interface Documented {
  readonly value: unknown;
  readonly sentence: string;
}

/** The file with its commented keys taken in: what an admin has who removes every `#` before a key. */
function uncommented(text: string): string {
  let inList = false;
  const lines = text.split('\n').map((line) => {
    if (inList || COMMENTED_LIST.test(line)) {
      inList = !line.includes(']');
      return line.replace(/^(\s*)# /, '$1');
    }
    return line.replace(COMMENTED_KEY, '$1');
  });
  // `pacs: []` with entries below it: the entries count.
  return lines
    .map((line, index) => (/^\s*- /.test(lines[index + 1] ?? '') ? line.replace(': []', ':') : line))
    .join('\n');
}

function documented(): Map<string, Documented> {
  const text = uncommented(readFileSync(FILE, 'utf8'));
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  assert.deepEqual(
    document.errors.map(({ message }) => message),
    [],
    'with every "#" before a key removed it is still YAML',
  );
  const found = new Map<string, Documented>();
  const rows = text.split('\n');
  function sentenceAt(line: number): string {
    const beside = / # (.+)$/.exec(rows[line] ?? '')?.[1];
    const above = /^# (.+)$/.exec(rows[line - 1] ?? '')?.[1];
    return beside ?? above ?? '';
  }
  function visit(node: unknown, path: string): void {
    if (isSeq(node)) {
      for (const item of node.items) if (isMap(item)) visit(item, `${path}.*`);
      return;
    }
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      assert.ok(isScalar(key) && key.range);
      const inner = path === '' ? String(key.value) : `${path}.${key.value}`;
      const plain = isMap(value) || isSeq(value) ? value.toJSON() : isScalar(value) ? value.value : null;
      found.set(inner, { value: plain, sentence: sentenceAt(lines.linePos(key.range[0]).line - 1) });
      visit(value, inner);
    }
  }
  visit(document.contents, '');
  return found;
}

const keys = configKeys();
const inFile = documented();

test('every key of the schema stands in the commented config file with a sentence, and no other does', () => {
  assert.ok(keys.length > 100, `only ${keys.length} keys`);
  assert.deepEqual([...inFile.keys()].sort(), keys.map(({ path }) => path).sort());
  const silent = [...inFile].filter(([, { sentence }]) => !/[a-z]{3}|MSH-/.test(sentence));
  assert.deepEqual(silent, []);
});

test('every default in the commented config file is the one of the schema', () => {
  const wrong = keys
    .filter(({ isGroup, fallback }) => !isGroup && fallback !== undefined)
    .map(({ path, fallback }) => ({ path, schema: fallback, file: inFile.get(path)?.value }))
    .filter(({ schema, file }) => JSON.stringify(schema) !== JSON.stringify(file));
  assert.deepEqual(wrong, []);
});

test('every key has a sentence in the schema, for editors and for remedies', () => {
  assert.deepEqual(
    keys.filter(({ sentence, path }) => sentence === undefined && !path.endsWith('.type')),
    [],
  );
});

test('the config file as shipped is the defaults', () => {
  const [shipped, defaults] = [loadConfig(FILE), loadConfig(null)];
  assert.equal(shipped.kind, 'valid', JSON.stringify(shipped));
  assert.equal(defaults.kind, 'valid');
  assert.deepEqual(shipped.config, defaults.config);
});

test('the JSON Schema for editors is current', () => {
  const written = JSON.parse(readFileSync('config/deep-health.schema.json', 'utf8'));
  assert.deepEqual(written, JSON.parse(JSON.stringify(configJsonSchema())));
});
