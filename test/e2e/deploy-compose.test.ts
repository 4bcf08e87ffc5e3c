import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { npmPeerInstalled, OHIF } from '../../scripts/npm-peer.ts';
import { orthancInstalled } from '../peers/orthanc.ts';
import { postgresIsInstalled } from '../peers/postgres.ts';
import { run, until } from '../peers/process.ts';
import { rabbitmqIsInstalled } from '../peers/rabbitmq.ts';
import { type ComposedSite, makeSecrets, ROOT, readCompose, startComposed } from './compose.ts';
import { film, studyOf } from './daemon.ts';

const DOCKER_COMPOSE = '/usr/bin/docker-compose';

describe('docker-compose.yml', () => {
  const compose = readCompose();
  const services = Object.entries(compose.services);
  const idOf = (entry: string | { readonly source: string }) =>
    typeof entry === 'string' ? entry : entry.source;

  test('is valid for docker-compose and its schema of the Compose specification', (t) => {
    if (!existsSync(DOCKER_COMPOSE)) return t.skip('docker-compose is not installed');
    const { status, stderr } = spawnSync(DOCKER_COMPOSE, ['-f', 'docker-compose.yml', 'config', '-q'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  });

  test('pins every image to a whole version, ours to the one of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    for (const [name, { image, build }] of services) {
      if (build !== undefined) assert.equal(image, `deep-health:${version}`, name);
      else
        assert.match(image, /^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?$/, name);
    }
  });

  test('hardens every service and bounds what it may take', () => {
    for (const [name, service] of services) {
      assert.equal(service.read_only, true, name);
      assert.deepEqual(service.cap_drop, ['ALL'], name);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
      assert.deepEqual(service.ulimits, { core: 0 }, name);
      const { cpus, memory } = service.deploy?.resources?.limits ?? {};
      assert.ok(cpus !== undefined && memory !== undefined && service.pids_limit !== undefined, name);
      assert.equal(service.healthcheck?.test[0], 'CMD', name);
    }
  });

  test('opens ports to this machine only, each once', () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
    const outside = ports.map((port) => port.split(':')[1]);
    assert.equal(new Set(outside).size, outside.length);
  });

  test('names only what exists, and nothing without use', async () => {
    const used = { networks: new Set<string>(), volumes: new Set(), configs: new Set(), secrets: new Set() };
    for (const [name, service] of services) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.equal(condition, 'service_healthy', name);
        assert.ok(compose.services[other]?.healthcheck, `${name} waits for the health of ${other}`);
      }
      for (const network of service.networks ?? []) used.networks.add(network);
      for (const volume of service.volumes ?? []) used.volumes.add(volume.split(':')[0]);
      for (const config of service.configs ?? []) used.configs.add(config.source);
      for (const entry of service.secrets ?? []) used.secrets.add(idOf(entry));
    }
    for (const key of ['networks', 'volumes', 'configs', 'secrets'] as const) {
      assert.deepEqual([...used[key]].sort(), Object.keys(compose[key]).sort(), key);
    }
    for (const { file } of Object.values(compose.configs)) assert.ok(existsSync(join(ROOT, file)), file);
    // Broker and database are out of reach of everything but the service.
    assert.equal(compose.networks.backend?.internal, true);
  });

  test('make-secrets.sh makes every secret once, in a folder that is closed to others', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'dh-secrets-')), 'secrets');
    try {
      makeSecrets(folder);
      assert.equal(statSync(folder).mode & 0o077, 0);
      const contents = () =>
        Object.values(compose.secrets).map(({ file }) =>
          readFileSync(join(folder, file.split('/').at(-1) ?? ''), 'utf8'),
        );
      const first = contents();
      assert.ok(first.every((content) => /[0-9a-f]{48}/.test(content)));
      chmodSync(folder, 0o755);
      makeSecrets(folder);
      assert.deepEqual(contents(), first);
      assert.equal(statSync(folder).mode & 0o077, 0, 'also one that was there and open');
      const users = JSON.parse(readFileSync(join(folder, 'orthanc_users.json'), 'utf8')) as object;
      assert.deepEqual(Object.keys(users), ['RegisteredUsers']);
    } finally {
      await rm(join(folder, '..'), { recursive: true, force: true });
    }
    const ignored = execFileSync('git', ['check-ignore', 'deploy/compose/secrets/admin_password'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.match(ignored, /admin_password/);
  });
});

describe('the site of docker-compose.yml, as processes', () => {
  let site: ComposedSite | undefined;
  after(() => site?.stop());

  test('reads a film that a modality sends to Orthanc: SR in the archive and the viewer, result at the RIS', async (t) => {
    const peers: readonly (readonly [boolean, string])[] = [
      [orthancInstalled(), 'Orthanc'],
      [rabbitmqIsInstalled(), 'RabbitMQ'],
      [postgresIsInstalled(), 'PostgreSQL'],
      [existsSync('/usr/sbin/nginx'), 'nginx'],
      [npmPeerInstalled(OHIF), 'OHIF'],
    ];
    const missing = peers.find(([there]) => !there);
    if (missing !== undefined) return t.skip(`${missing[1]} is not installed`);
    const here = await startComposed();
    site = here;
    const basic = (user: string, secret: string) => ({
      authorization: `Basic ${Buffer.from(`${user}:${here.secret(secret)}`).toString('base64')}`,
    });
    const waitFor = (what: string, ask: () => Promise<boolean>) =>
      until(what, ask, 150_000).catch((error: unknown) => {
        throw new Error(here.said().slice(-4000), { cause: error });
      });
    for (const name of ['orthanc', 'ris', 'intake', 'read', 'deliver']) {
      await waitFor(`${name} is healthy`, () => here.healthy(name));
    }

    const bytes = film(4711);
    const study = studyOf(bytes);
    const folder = await mkdtemp(join(tmpdir(), 'dh-film-'));
    await writeFile(join(folder, 'film.dcm'), bytes);
    await run('/usr/bin/storescu', [
      ...['-aec', 'ORTHANC', '127.0.0.1', String(here.dicomPort)],
      join(folder, 'film.dcm'),
    ]);
    await rm(folder, { recursive: true });

    type Received = { readonly controlId: string; readonly segments: readonly (readonly string[])[] };
    let received: readonly Received[] = [];
    await waitFor('the RIS has the result', async () => {
      const answer = await fetch(`${here.risUrl}/api/messages`, { headers: basic('any', 'ris_password') });
      received = (await answer.json()) as readonly Received[];
      return received.length > 0;
    });
    const [message] = received;
    assert.ok(message !== undefined && received.length === 1);
    assert.ok(message.segments.some(([name, , , , , uid]) => name === 'OBX' && uid === study));

    // The message came, so both reports are in the archive; the viewer shows them behind the same sign-in.
    const asViewer = basic('radiologist', 'viewer_password');
    const seen = await fetch(`${here.viewerUrl}/dicom-web/studies/${study}/series`, {
      headers: { ...asViewer, accept: 'application/dicom+json' },
    });
    const series = (await seen.json()) as { '00080060': { Value: readonly string[] } }[];
    const modalities = series.map((row) => row['00080060'].Value[0]).sort();
    assert.deepEqual(modalities, ['DX', 'OT', 'SR', 'SR']);
    const store = await fetch(`${here.viewerUrl}/dicom-web/studies`, { method: 'POST', headers: asViewer });
    assert.equal(store.status, 403);
    const page = await fetch(here.viewerUrl, { headers: asViewer });
    assert.match(await page.text(), /OHIF/);
    assert.equal(page.headers.get('cross-origin-embedder-policy'), 'require-corp');
    const config = await fetch(`${here.viewerUrl}/app-config.js`, { headers: asViewer });
    assert.match(await config.text(), /deep-health/);

    const shown = await fetch(`${here.risUrl}/messages/${message.controlId}`, {
      headers: basic('any', 'ris_password'),
    });
    assert.match(await shown.text(), /OBX-5.*Observation Value/s);
    // The RIS has the message a moment before the ledger has its answer.
    await waitFor('the study is delivered', async () => {
      const list = await fetch(`${here.intakeUrl}/api/studies`, {
        headers: basic('admin', 'admin_password'),
      });
      const { studies } = (await list.json()) as { studies: readonly { readonly state: string }[] };
      assert.equal(studies.length, 1);
      return studies[0]?.state === 'delivered';
    });

    // Nobody gets in without a password.
    for (const url of [
      here.viewerUrl,
      here.risUrl,
      `${here.orthancUrl}/system`,
      `${here.intakeUrl}/api/studies`,
    ]) {
      assert.equal((await fetch(url)).status, 401, url);
    }
  });
});
