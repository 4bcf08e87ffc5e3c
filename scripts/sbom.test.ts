import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CYCLONEDX, npmPeerFolder, npmPeerInstalled } from './npm-peer.ts';
import { programsFolder, programsInstalled } from './npm-programs.ts';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

interface LockEntry {
  readonly version?: string;
  readonly name?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const lock = JSON.parse(read('package-lock.json')) as { packages: Readonly<Record<string, LockEntry>> };
const nameOf = (path: string, entry: LockEntry) =>
  entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

function billOfMaterials(): string {
  const program = fileURLToPath(new URL('./sbom.ts', import.meta.url));
  return execFileSync(process.execPath, [program], { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
}

test('the bill of materials names every production package of the lock file and every file of the models', () => {
  const text = billOfMaterials();
  const bom = JSON.parse(text) as {
    bomFormat: string;
    specVersion: string;
    serialNumber: string;
    components: {
      name: string;
      version: string;
      type: string;
      purl?: string;
      hashes?: { content: string }[];
    }[];
  };
  assert.equal(bom.bomFormat, 'CycloneDX');
  assert.match(bom.serialNumber, /^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  const listed = new Set(bom.components.map(({ name, version }) => `${name}@${version}`));
  const production = Object.entries(lock.packages).filter(
    ([path, entry]) => path !== '' && entry.dev !== true,
  );
  assert.ok(production.length > 50);
  const missing = production
    .map(([path, entry]) => `${nameOf(path, entry)}@${entry.version}`)
    .filter((one) => !listed.has(one));
  assert.deepEqual(missing, []);
  const development = Object.entries(lock.packages).filter(([, entry]) => entry.dev === true);
  for (const name of ['typescript', 'playwright-core', '@biomejs/biome']) {
    assert.ok(development.some(([path, entry]) => nameOf(path, entry) === name));
    assert.ok(!bom.components.some((component) => component.name === name), name);
  }
  const manifest = JSON.parse(read('models/pneumonia-inception-v3/manifest.json')) as {
    files: Record<string, { sha256: string }>;
  };
  const hashes = bom.components.flatMap((component) => component.hashes ?? []).map(({ content }) => content);
  for (const { sha256 } of Object.values(manifest.files)) assert.ok(hashes.includes(sha256));
  // Addresses of licences and home pages may stand in it, those to download from may not.
  assert.doesNotMatch(text, /"distribution"|\.tgz|registry\./);
});

interface Ajv {
  addSchema(schema: unknown, key: string): void;
  validate(key: string, of: unknown): boolean;
  readonly errors: readonly { readonly instancePath: string; readonly message?: string }[] | null;
}

/** Judges a bill of materials by the schema of CycloneDX that it names; nothing found is an empty list. */
function judge(bom: { readonly $schema: string }): readonly string[] {
  const programs = createRequire(join(programsFolder(), 'package.json'));
  const [Validator, formats, more] = ['ajv', 'ajv-formats', 'ajv-formats-draft2019'].map((name) => {
    const loaded = programs(name) as { default?: unknown };
    return loaded.default ?? loaded;
  }) as [new (options: object) => Ajv, (ajv: Ajv) => void, (ajv: Ajv) => void];
  const ajv = new Validator({ strict: false, allErrors: true });
  formats(ajv);
  more(ajv);
  const schemas = join(npmPeerFolder(CYCLONEDX), 'res', 'schema');
  // They refer to one another by the names of their files.
  for (const [file, id] of [
    ['bom-1.5', 'bom-1.5'],
    ['spdx', 'spdx.SNAPSHOT'],
    ['jsf-0.82', 'jsf-0.82.SNAPSHOT'],
  ] as const) {
    const schema: object = JSON.parse(readFileSync(join(schemas, `${file}.SNAPSHOT.schema.json`), 'utf8'));
    const $id = `http://cyclonedx.org/schema/${id}.schema.json`;
    ajv.addSchema({ ...schema, $id }, $id);
  }
  if (ajv.validate(bom.$schema, bom)) return [];
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

test('the bill of materials is valid by the schema of CycloneDX 1.5, and all that it refers to is in it', (t) => {
  if (!npmPeerInstalled(CYCLONEDX) || !programsInstalled())
    return t.skip('the schemas of CycloneDX are not installed');
  const bom = JSON.parse(billOfMaterials()) as {
    $schema: string;
    metadata: { component: { 'bom-ref': string } };
    components: { 'bom-ref': string; type: string; hashes?: { alg: string; content: string }[] }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  assert.deepEqual(judge(bom), []);
  // The judge is awake.
  const [first, ...others] = bom.components;
  assert.notDeepEqual(
    judge({ ...bom, components: [{ ...first, type: 'program' }, ...others] } as typeof bom),
    [],
  );
  const hashes = [{ alg: 'SHA-512', content: 'no hash' }];
  assert.notDeepEqual(judge({ ...bom, components: [{ ...first, hashes }, ...others] } as typeof bom), []);

  const refs = [bom.metadata.component, ...bom.components].map((component) => component['bom-ref']);
  assert.equal(new Set(refs).size, refs.length, 'a reference means one component');
  const named = bom.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
  assert.deepEqual(
    named.filter((ref) => !refs.includes(ref)),
    [],
  );
});

test('no install script runs that nobody has looked at, and of those only one', () => {
  const { allowScripts } = JSON.parse(read('package.json')) as { allowScripts: Record<string, boolean> };
  assert.match(read('.npmrc'), /^strict-allow-scripts=true$/m);
  const withScripts = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript === true);
  for (const [path, entry] of withScripts) {
    // npm's own list leaves out what only another system would install (fsevents on macOS).
    if (nameOf(path, entry) === 'fsevents') continue;
    assert.equal(typeof allowScripts[nameOf(path, entry)], 'boolean', nameOf(path, entry));
  }
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  assert.deepEqual(allowed, ['node']);
});

test('the lock file holds an integrity for every package and no address', () => {
  for (const [path, entry] of Object.entries(lock.packages) as [
    string,
    LockEntry & { integrity?: string; resolved?: string },
  ][]) {
    if (path === '' || entry.link === true) continue;
    assert.equal(entry.resolved, undefined, path);
    // Packages within a package's own archive are covered by its integrity.
    if (path.split('node_modules/').length > 2 && entry.integrity === undefined) continue;
    assert.match(entry.integrity ?? '', /^sha512-/, path);
  }
});

test('the advisories were looked up for the versions that are locked: another version asks for another look', () => {
  const rows = [...read('docs/advisories.md').matchAll(/^\| (\S+) \| (\d\S+) \| \S/gm)];
  assert.ok(rows.length > 40, String(rows.length));
  const locked = new Map<string, Set<string>>();
  for (const [path, entry] of Object.entries(lock.packages)) {
    const name = nameOf(path, entry);
    locked.set(name, (locked.get(name) ?? new Set()).add(String(entry.version)));
  }
  for (const [, name = '', version = ''] of rows) {
    assert.deepEqual([...(locked.get(name) ?? [])], [version], name);
  }
});
