import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { parse, parseAllDocuments } from 'yaml';
import { programsFolder, programsInstalled } from '../../scripts/npm-programs.ts';
import { loadConfig } from '../../src/config/load.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { queueNames } from '../../src/queue/rabbitmq-topology.ts';
import { postgresIsInstalled, startPostgres } from '../peers/postgres.ts';
import { ROOT } from './compose.ts';

const FOLDER = join(ROOT, 'deploy/kubernetes');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

/** A deployment as far as it is looked at; the schema has checked the rest. */
interface Deployment extends Resource {
  readonly spec: {
    readonly replicas?: number;
    readonly strategy: { readonly type: string };
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: { readonly runAsNonRoot: boolean };
        readonly containers: readonly {
          readonly image: string;
          readonly args: readonly string[];
          readonly env: readonly { readonly name: string; readonly value: string }[];
          readonly securityContext: {
            readonly readOnlyRootFilesystem: boolean;
            readonly allowPrivilegeEscalation: boolean;
            readonly capabilities: { readonly drop: readonly string[] };
          };
          readonly resources: { readonly limits: object; readonly requests: object };
          readonly startupProbe: Probe;
          readonly livenessProbe: Probe;
          readonly readinessProbe: Probe;
          readonly volumeMounts: readonly { readonly name: string }[];
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

interface Scaler extends Resource {
  readonly spec: {
    readonly scaleTargetRef: { readonly name: string };
    readonly triggers: readonly {
      readonly metadata: Readonly<Record<string, string>>;
      readonly authenticationRef: { readonly name: string };
    }[];
  };
}

const kustomization = parse(read('kustomization.yaml')) as {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly files: readonly string[] }[];
  readonly images: readonly { readonly name: string; readonly newTag: string }[];
};
const resources = kustomization.resources.flatMap((file) =>
  parseAllDocuments(read(file)).map((document) => document.toJS() as Resource),
);
const ofKind = (kind: string) => resources.filter((resource) => resource.kind === kind);
const deployments = ofKind('Deployment') as Deployment[];

/** The module of a kind in kubernetes-models (made from the OpenAPI of Kubernetes) or in those of KEDA. */
function moduleOf({ apiVersion, kind }: Resource): string {
  const home = apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models';
  return `${home}/${apiVersion}/${kind}`;
}

describe('deploy/kubernetes', () => {
  test('every resource is what the schemas of Kubernetes and KEDA allow', async (t) => {
    if (!programsInstalled()) return t.skip('kubernetes-models is not installed');
    for (const resource of resources) {
      const path = join(programsFolder(), 'node_modules', `${moduleOf(resource)}.js`);
      const kinds = (await import(pathToFileURL(path).href)) as Record<
        string,
        new (
          from: unknown,
        ) => { validate(): void }
      >;
      const Kind = kinds[resource.kind];
      assert.ok(Kind, resource.kind);
      new Kind(resource).validate();
    }
  });

  test('no resource has a key that its schema does not know', async (t) => {
    if (!programsInstalled()) return t.skip('kubernetes-models is not installed');
    // The validators let unknown keys pass; the compiler, with the types made from the same schemas, does not.
    const folder = await mkdtemp(join(programsFolder(), 'typed-'));
    try {
      const lines = resources.flatMap((resource, index) => {
        const { apiVersion: _version, kind, ...rest } = resource;
        return [
          `import { ${kind} as Kind${index} } from '${moduleOf(resource)}';`,
          `new Kind${index}(${JSON.stringify(rest)});`,
        ];
      });
      await writeFile(join(folder, 'resources.ts'), lines.join('\n'));
      const check = (file: string) =>
        spawnSync(
          join(ROOT, 'node_modules/.bin/tsc'),
          [
            '--noEmit',
            '--strict',
            '--skipLibCheck',
            '--types',
            '',
            '--module',
            'nodenext',
            '--target',
            'es2024',
            file,
          ],
          { cwd: folder, encoding: 'utf8' },
        );
      const { status, stdout } = check('resources.ts');
      assert.equal(status, 0, stdout.slice(0, 2000));
      await writeFile(
        join(folder, 'wrong.ts'),
        lines.join('\n').replace('"readinessProbe"', '"readynessProbe"'),
      );
      assert.notEqual(check('wrong.ts').status, 0, 'the check sees a mistyped key');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a deployment a role, without rights, with probes that fit the service', () => {
    assert.deepEqual(deployments.map(({ metadata }) => metadata.name).sort(), ['deliver', 'intake', 'read']);
    for (const { metadata, spec } of deployments) {
      const pod = spec.template.spec;
      const [container, ...others] = pod.containers;
      assert.ok(container !== undefined && others.length === 0);
      assert.deepEqual(container.args, ['serve', '--role', metadata.name]);
      assert.deepEqual(spec.template.metadata.labels, spec.selector.matchLabels);
      assert.equal(pod.securityContext.runAsNonRoot, true);
      assert.equal(container.securityContext.readOnlyRootFilesystem, true);
      assert.equal(container.securityContext.allowPrivilegeEscalation, false);
      assert.deepEqual(container.securityContext.capabilities.drop, ['ALL']);
      assert.equal(container.startupProbe.httpGet.path, '/livez');
      assert.equal(container.livenessProbe.httpGet.path, '/livez');
      assert.equal(container.readinessProbe.httpGet.path, '/readyz');
      assert.ok(pod.terminationGracePeriodSeconds > 28, 'longer than the service takes to end');
      const volumes = new Set(pod.volumes.map(({ name }) => name));
      for (const { name } of container.volumeMounts) assert.ok(volumes.has(name), name);
    }
    const intake = deployments.find(({ metadata }) => metadata.name === 'intake');
    assert.equal(intake?.spec.replicas, 1);
    assert.equal(intake?.spec.strategy.type, 'Recreate', 'never two that poll');
  });

  test('budgets, scalers and names point to what exists', () => {
    const names = deployments.map(({ metadata }) => metadata.name);
    assert.deepEqual(
      ofKind('PodDisruptionBudget')
        .map(({ metadata }) => metadata.name)
        .sort(),
      names.toSorted(),
    );
    const authentications = ofKind('TriggerAuthentication').map(({ metadata }) => metadata.name);
    for (const { spec } of ofKind('ScaledObject') as Scaler[]) {
      assert.ok(names.includes(spec.scaleTargetRef.name));
      const target = deployments.find(({ metadata }) => metadata.name === spec.scaleTargetRef.name);
      assert.equal(target?.spec.replicas, undefined, 'two masters of one number would fight');
      for (const { authenticationRef } of spec.triggers)
        assert.ok(authentications.includes(authenticationRef.name));
    }
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.deepEqual(kustomization.images, [{ name: 'deep-health', newTag: version }]);
    assert.deepEqual(kustomization.configMapGenerator, [
      { name: 'deep-health', files: ['deep-health.yaml'] },
    ]);
  });

  test('readers scale by the queues that the service makes', () => {
    const scalers = ofKind('ScaledObject') as Scaler[];
    const queues = scalers.flatMap(({ spec }) =>
      spec.triggers.flatMap(({ metadata }) => metadata.queueName ?? []),
    );
    assert.deepEqual(queues.sort(), Object.values(queueNames('deep-health').waiting).sort());
  });

  test('deliverers scale by a question that the ledger answers', async (t) => {
    if (!postgresIsInstalled()) return t.skip('PostgreSQL is not installed');
    const scalers = ofKind('ScaledObject') as Scaler[];
    const query = scalers
      .flatMap(({ spec }) => spec.triggers.flatMap(({ metadata }) => metadata.query ?? []))
      .at(0);
    const postgres = await startPostgres();
    try {
      await (await openLedger(postgres.url)).close();
      const client = new pg.Client(postgres.url);
      await client.connect();
      const { rows } = await client.query(query ?? '');
      await client.end();
      assert.deepEqual(rows, [{ count: '0' }]);
    } finally {
      await postgres.remove();
    }
  });

  test('the config is valid with the keys of the secret that docs/admin.md makes', async () => {
    const guide = readFileSync(join(ROOT, 'docs/admin.md'), 'utf8');
    const folder = await mkdtemp('/tmp/dh-kubernetes-');
    try {
      const values: Readonly<Record<string, string>> = {
        'queue-url': 'amqp://a:b@broker:5672/',
        'ledger-url': 'postgres://a:b@db:5432/deep_health',
      };
      const used = [
        ...read('deep-health.yaml').matchAll(/\$\{file:\/run\/secrets\/deep-health\/([a-z-]+)\}/g),
      ].map(([, key = '']) => key);
      for (const key of [...used, 'study-key']) {
        assert.match(guide, new RegExp(`--from-(literal|file)=${key}=`), key);
        await writeFile(join(folder, key), values[key] ?? 'a-long-enough-secret');
      }
      const config = join(folder, 'deep-health.yaml');
      await writeFile(config, read('deep-health.yaml').replaceAll('/run/secrets/deep-health', folder));
      const loaded = loadConfig(config);
      assert.equal(loaded.kind, 'valid', JSON.stringify(loaded));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
