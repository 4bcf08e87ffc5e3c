import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { ERROR_KINDS } from '../../src/errors/error.ts';
import { ROOT } from './compose.ts';

const pages = globSync('docs/*.md', { cwd: ROOT }).sort();
const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

for (const script of ['hl7-samples.ts', 'conformance-tables.ts']) {
  test(`scripts/${script}: what the page holds is what the code makes`, () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts', script), '--check'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  });
}

describe('docs', () => {
  test('every link within the project leads to a file', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target.replace(/#.*$/, ''))
        .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
        .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    assert.deepEqual(broken, []);
  });

  test('the index names every page', () => {
    const index = read('docs/README.md');
    const missing = pages.filter(
      (page) => page !== 'docs/README.md' && !index.includes(`(${page.slice('docs/'.length)})`),
    );
    assert.deepEqual(missing, []);
  });

  test('every error code that a page names exists', () => {
    const areas = new Set(Object.keys(ERROR_KINDS).map((code) => code.split('.')[0]));
    // Keys of the config have the same shape; those of areas that are keys as well are left to the next test.
    const keys = new Set(Object.keys(parse(read('config/deep-health.yaml')) as object));
    const unknown = pages.flatMap((page) =>
      [...read(page).matchAll(/`([a-z][a-z0-9]*)\.([a-z0-9-]+)`/g)]
        .filter(([, area = '']) => areas.has(area) && !keys.has(area))
        .map(([, area = '', name = '']) => `${area}.${name}`)
        .filter((code) => !(code in ERROR_KINDS))
        .map((code) => `${page}: ${code}`),
    );
    assert.deepEqual(unknown, []);
  });

  test('every key of the config that the guides name exists', () => {
    const schema = JSON.parse(read('config/deep-health.schema.json')) as SchemaNode;
    const guides = [
      'admin',
      'operations',
      'integration',
      'conformance',
      'data-scientist',
      'privacy',
      'faq',
      'install',
    ];
    const unknown = guides.flatMap((guide) =>
      [
        ...read(`docs/${guide}.md`).matchAll(
          /`([a-z][A-Za-z]*(?:\[\])?(?:\.[a-zA-Z]+(?:\[\])?)+)(?::[^`]*)?`/g,
        ),
      ]
        .map(([, path = '']) => path)
        // Files have the shape of keys.
        .filter((path) => !/\.(html|json|yaml|md)$/.test(path))
        .filter((path) => Object.hasOwn(schema.properties ?? {}, path.split(/[.[]/)[0] ?? ''))
        .filter((path) => !(path in ERROR_KINDS) && !hasKey(schema, path.replaceAll('[]', '').split('.')))
        .map((path) => `${guide}: ${path}`),
    );
    assert.deepEqual(unknown, []);
  });
});

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

function hasKey(node: SchemaNode, [key, ...rest]: readonly string[]): boolean {
  if (key === undefined) return true;
  const next = node.properties?.[key];
  if (next !== undefined) return hasKey(next, rest);
  const others = [
    ...(node.items === undefined ? [] : [node.items]),
    ...(node.anyOf ?? []),
    ...(node.oneOf ?? []),
  ];
  return others.some((other) => hasKey(other, [key, ...rest]));
}
