import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

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

test('the bill of materials names every production package of the lock file and every file of the models', () => {
  const program = fileURLToPath(new URL('./sbom.ts', import.meta.url));
  const text = execFileSync(process.execPath, [program], { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
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
