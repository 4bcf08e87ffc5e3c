/** The config commands as a black box, and the example configs against a real Orthanc. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { makeAuthority } from '../peers/certificates.ts';
import { type Orthanc, orthancInstalled, startOrthanc } from '../peers/orthanc.ts';
import { freePort } from '../peers/ports.ts';
import { startRis } from '../peers/ris.ts';
import { film, resultsIn, startDaemon, studyOf } from './daemon.ts';

const skip = orthancInstalled() ? false : 'Orthanc is not installed';
const PROGRAM = fileURLToPath(new URL('../../bin/deep-health.mjs', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../config/examples', import.meta.url));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dh-config-e2e-'));
});
after(() => rm(folder, { recursive: true, force: true }));

interface Line {
  readonly probe?: string;
  readonly outcome?: string;
  readonly code?: string | null;
  readonly remedy?: string | null;
  readonly path?: string;
  readonly severity?: string;
}

async function deepHealth(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
    env: { ...process.env, ...env },
  });
  const [out, said, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  const lines = out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
  return { code: code as number, out, said, lines };
}

async function configFile(config: unknown): Promise<string> {
  const file = join(folder, 'deep-health.yaml');
  await writeFile(file, stringify(config));
  return file;
}

/** An example with its secrets in a folder of the test. */
async function example(name: string): Promise<string> {
  const secrets = join(folder, 'secrets');
  await mkdir(secrets, { recursive: true });
  for (const secret of [
    'admin-password',
    'keycloak-client-secret',
    'prometheus-token',
    'pacs-token',
    'broker-password',
    'ledger-password',
  ]) {
    await writeFile(join(secrets, secret), `${secret}-long-enough\n`);
  }
  const source = await readFile(join(EXAMPLES, name), 'utf8');
  return source.replaceAll('/run/secrets/', `${secrets}/`);
}

const SECRETS = {
  DH_ADMIN_PASSWORD: 'admin-password',
  DH_ORTHANC_PASSWORD: 'orthanc-password',
  DH_MODALITY_TOKEN: 'modality-token-long-enough',
  ORTHANC_PASSWORD: 'pacs-password',
};

test('every example config passes the check, without advice, and shows no secret', async () => {
  const names = await readdir(EXAMPLES);
  assert.deepEqual(names.sort(), [
    'cluster.yaml',
    'dcm4chee-keycloak.yaml',
    'orthanc-poll.yaml',
    'orthanc-push.yaml',
    'stand-alone.yaml',
  ]);
  for (const name of names) {
    const file = join(folder, name);
    await writeFile(file, await example(name));
    const { code, said, lines } = await deepHealth(['config', 'check', '--json', '--config', file], SECRETS);
    assert.equal(code, 0, `${name}: ${JSON.stringify(lines)} ${said}`);
    assert.deepEqual(lines, [], name);
  }
  const printed = await deepHealth(['config', 'print', '--config', join(folder, 'cluster.yaml')], SECRETS);
  assert.doesNotMatch(printed.out + printed.said, /long-enough/);
});

test('a wrong config is exit code 2 with every problem as a JSON line', async () => {
  const file = await configFile({ server: { host: '0.0.0.0', prt: 1 }, report: { to: ['x'] } });
  const { code, lines } = await deepHealth(['config', 'check', '--json', '--probe', '--config', file]);
  assert.equal(code, 2);
  assert.deepEqual(lines.map(({ path }) => path).sort(), ['report.to.0', 'server.host', 'server.prt']);
});

test('the studies commands make no data folder for a config that is not the service’s', async () => {
  const data = join(folder, 'nowhere');
  const file = await configFile({ storage: { folder: data }, ledger: join(data, 'ledger.sqlite') });
  const { code, said } = await deepHealth(['studies', 'list', '--config', file]);
  assert.equal(code, 1);
  assert.match(said, /service\.no-data/);
  assert.ok(!(await readdir(folder)).includes('nowhere'));
});

test('probes tell what is wrong with each peer and file, and change nothing', { skip }, async () => {
  const orthanc = await startOrthanc();
  const ris = await startRis();
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const authority = await makeAuthority();
  try {
    const [closed, foreign] = [await freePort(), await authority.issue('foreign')];
    const data = join(folder, 'probe-data');
    const auth = { type: 'basic', user: orthanc.username };
    const file = await configFile({
      server: { port, tls: { cert: foreign.certPath, key: authority.keyPath } },
      pacs: [
        { name: 'good', url: orthanc.url, auth: { ...auth, password: orthanc.password } },
        { name: 'password', url: orthanc.url, auth: { ...auth, password: 'wrong' } },
        { name: 'path', url: `${orthanc.restUrl}/nowhere`, auth: { ...auth, password: orthanc.password } },
        { name: 'closed', url: `http://127.0.0.1:${closed}/`, store: false },
      ],
      ris: [
        { name: 'open', host: ris.host, port: ris.port },
        { name: 'shut', host: '127.0.0.1', port: closed },
      ],
      model: { path: join(folder, 'no-model') },
      queue: `amqp://guest:hunter22@127.0.0.1:${closed}/`,
      ledger: join(data, 'ledger.sqlite'),
      storage: { folder: data, reserve: '900 TiB' },
      observe: { audit: { type: 'syslog', host: '127.0.0.1', port: closed } },
    });
    const { code, said, out, lines } = await deepHealth([
      ...['config', 'check', '--probe', '--json'],
      ...['--config', file],
    ]);
    assert.equal(code, 1, said);
    const outcomes = Object.fromEntries(
      lines
        .filter(({ probe }) => probe !== undefined)
        .map(({ probe, outcome, code }) => [probe, code ?? outcome]),
    );
    assert.deepEqual(outcomes, {
      'server.port': 'service.port-taken',
      'server.tls': 'service.certificate',
      'model.path': 'model.missing',
      'storage.folder': 'storage.low',
      ledger: 'ok',
      queue: 'queue.unreachable',
      'pacs.0 query': 'ok',
      'pacs.0 store': 'ok',
      'pacs.1 query': 'web.unauthorized',
      'pacs.1 store': 'web.unauthorized',
      'pacs.2 query': 'web.not-found',
      'pacs.2 store': 'web.store-missing',
      'pacs.3 query': 'web.unreachable',
      'ris.0 connect': 'ok',
      'ris.1 connect': 'mllp.unreachable',
      'observe.audit connect': 'audit.unreachable',
    });
    for (const { outcome, remedy } of lines) if (outcome === 'failed') assert.match(remedy ?? '', /\w{3}/);
    assert.doesNotMatch(out + said, /hunter22/);
    assert.ok(!(await readdir(folder)).includes('probe-data'), 'nothing was made');
    assert.equal((await ris.received()).length, 0, 'no message was sent');
    const statistics = (await orthanc.rest('/statistics')) as { CountInstances: number };
    assert.equal(statistics.CountInstances, 0, 'nothing was stored');
  } finally {
    taken.close();
    await authority.remove();
    await ris.stop();
    await orthanc.stop();
  }
});

/** The example with the ports of this machine, as a tree. */
async function adapted(name: string, orthanc: Orthanc, port = 0): Promise<Record<string, unknown>> {
  const tree = parse(await example(name)) as Record<string, unknown> & {
    server: Record<string, unknown>;
    pacs: Record<string, unknown>[];
  };
  const { ledger: _ledger, storage: _storage, ...rest } = tree;
  return {
    ...rest,
    server: { ...tree.server, port },
    pacs: tree.pacs.map((pacs) => ({
      ...pacs,
      url: orthanc.url,
      auth: { ...(pacs.auth as object), user: orthanc.username },
    })),
  };
}

test('the example that polls Orthanc reads what comes and stores results beside it', { skip }, async () => {
  const orthanc = await startOrthanc();
  const ris = await startRis();
  const config = await adapted('orthanc-poll.yaml', orthanc);
  const [pacs] = config.pacs as Record<string, unknown>[];
  const daemon = await startDaemon({
    config: {
      ...config,
      pacs: [{ ...pacs, poll: { ...(pacs?.poll as object), schedule: '* * * * * *' } }],
      ris: (config.ris as object[]).map((entry) => ({ ...entry, port: ris.port })),
    },
    env: { ...SECRETS, ORTHANC_PASSWORD: orthanc.password },
  });
  try {
    const one = film(8101);
    await writeFile(join(folder, 'one.dcm'), one);
    await orthanc.storeScu([join(folder, 'one.dcm')]);
    await daemon.reaches(studyOf(one), 'delivered');
    const { reports, heatmaps } = await resultsIn(orthanc, studyOf(one));
    assert.deepEqual([reports.length, heatmaps.length, (await ris.received()).length], [2, 1, 1]);
  } finally {
    await daemon.remove();
    await ris.stop();
    await orthanc.stop();
  }
});

test('the example to which Orthanc pushes reads what Orthanc sends', { skip }, async () => {
  const port = await freePort();
  const orthanc = await startOrthanc({
    servers: {
      'deep-health': {
        url: `http://127.0.0.1:${port}/dicom-web/`,
        username: 'orthanc',
        password: SECRETS.DH_ORTHANC_PASSWORD,
      },
    },
    lua: await readFile(new URL('../../deploy/orthanc/push.lua', import.meta.url), 'utf8'),
    stableAge: 1,
  });
  const daemon = await startDaemon({
    config: await adapted('orthanc-push.yaml', orthanc, port),
    env: { ...SECRETS, ORTHANC_PASSWORD: orthanc.password },
    authorization: `Basic ${Buffer.from(`admin:${SECRETS.DH_ADMIN_PASSWORD}`).toString('base64')}`,
  });
  try {
    const one = film(8102);
    await writeFile(join(folder, 'two.dcm'), one);
    await orthanc.storeScu([join(folder, 'two.dcm')]);
    await daemon.reaches(studyOf(one), 'delivered');
    assert.equal((await resultsIn(orthanc, studyOf(one))).reports.length, 2);
  } finally {
    await daemon.remove();
    await orthanc.stop();
  }
});

test('a database that is away is told by its code, and its password is not', async () => {
  const port = await freePort();
  const file = await configFile({ ledger: `postgres://u:hunter22@127.0.0.1:${port}/x`, storage: { folder } });
  const { lines, out, said } = await deepHealth([
    ...['config', 'check', '--probe', '--json'],
    ...['--config', file],
  ]);
  assert.equal(lines.find(({ probe }) => probe === 'ledger')?.code, 'ledger.unreachable');
  assert.doesNotMatch(out + said, /hunter22/);
});
