/**
 * `npm run sbom`: the bill of materials of what runs in production, CycloneDX JSON on stdout or in `--out FILE`.
 * Packages come from the lock file (npm's own list), models from their manifests. The same sources give the
 * same bytes; no registry's address is in it, so that every mirror's is the same.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly 'bom-ref': string;
  readonly externalReferences?: readonly { readonly type: string; readonly url: string }[];
  readonly [field: string]: unknown;
}

interface Bom {
  readonly metadata: { readonly component: Component; readonly [field: string]: unknown };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  readonly [field: string]: unknown;
}

const { values } = parseArgs({ options: { out: { type: 'string' } } });
const text = `${JSON.stringify(billOfMaterials(), null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);

function billOfMaterials(): Bom {
  const listed = JSON.parse(
    execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 2 ** 20,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as Bom;
  const { timestamp: _, ...metadata } = listed.metadata;
  const product = { ...withoutRegistry(metadata.component), type: 'application', name: 'deep-health' };
  const models = modelComponents();
  const production = productionPackages();
  const packages = listed.components
    .filter(({ name, version }) => production.has(`${name}@${version}`))
    .map(withoutRegistry);
  const refs = new Set([product, ...packages].map((component) => component['bom-ref']));
  const dependencies = listed.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
  return {
    ...listed,
    serialNumber: `urn:uuid:${uuidOf(packages, models)}`,
    metadata: { ...metadata, component: product },
    components: [...packages, ...models],
    dependencies: [...dependencies, ...models.map((model) => ({ ref: model['bom-ref'], dependsOn: [] }))],
  };
}

/**
 * What the lock file marks as needed in production, as `name@version`. npm's own `--omit dev` leaves out what
 * development needs too (npm 11.19: @tensorflow/tfjs-core, most of pg).
 */
function productionPackages(): Set<string> {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, { name?: string; version?: string; dev?: boolean }>>;
  };
  return new Set(
    Object.entries(packages)
      .filter(([path, { dev }]) => path !== '' && dev !== true)
      .map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`),
  );
}

/** Where a package was downloaded says nothing about it; its hash does. */
function withoutRegistry(component: Component): Component {
  const references = (component.externalReferences ?? []).filter(({ type }) => type !== 'distribution');
  return { ...component, externalReferences: references };
}

function modelComponents(): Component[] {
  const folder = join(ROOT, 'models');
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: directory }) => {
      const manifest = JSON.parse(readFileSync(join(folder, directory, 'manifest.json'), 'utf8')) as {
        name: string;
        version: string;
        files: Readonly<Record<string, { path: string; sha256: string } | undefined>>;
      };
      return Object.values(manifest.files).flatMap((file) =>
        file === undefined
          ? []
          : [
              {
                type: 'machine-learning-model',
                name: `${manifest.name}/${file.path}`,
                version: manifest.version,
                'bom-ref': `model:${manifest.name}@${manifest.version}/${file.path}`,
                hashes: [{ alg: 'SHA-256', content: file.sha256 }],
              },
            ],
      );
    });
}

/** An RFC 9562 UUID (version 8) of what is listed. */
function uuidOf(...lists: readonly (readonly Component[])[]): string {
  const names = lists.flat().map((component) => JSON.stringify([component['bom-ref'], component.hashes]));
  const hex = createHash('sha256').update(names.sort().join('\n')).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
