/** Start, reload, stop, sign-in and a full disk: `serve` as an admin meets it. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { stringify } from 'yaml';
import { makeAuthority } from '../peers/certificates.ts';
import { freePort } from '../peers/ports.ts';
import { until } from '../peers/process.ts';
import { startStandInPacs } from '../peers/stand-in-pacs.ts';
import { film, startDaemon, studyOf } from './daemon.ts';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('../../bin/deep-health.mjs', import.meta.url));

const USERS = { users: [{ name: 'reader', password: 'correct horse' }] };
const TOKENS = { tokens: [{ name: 'orthanc', token: 'a-token-of-twenty-four-ch' }] };
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('every problem at the start is named at once, and nothing is left behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dh-start-'));
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  assert.ok(address !== null && typeof address === 'object');
  const file = join(folder, 'config.yaml');
  await writeFile(join(folder, 'not-a-folder'), '');
  const config = {
    server: { port: address.port },
    model: { path: join(folder, 'no-model') },
    storage: { folder: join(folder, 'not-a-folder') },
    ledger: `postgres://nobody@127.0.0.1:${await freePort()}/none`,
  };
  await writeFile(file, stringify(config));
  const failure = await run(process.execPath, [PROGRAM, 'serve', '--config', file]).then(
    () => assert.fail('it must not start'),
    (error: { code: number; stderr: string }) => error,
  );
  assert.equal(failure.code, 1);
  for (const code of ['service.port-taken', 'model.missing', 'service.folder', 'ledger.unreachable']) {
    assert.match(failure.stderr, new RegExp(`${code.replace('.', '\\.')}: `));
  }
  taken.close();
  await rm(folder, { recursive: true });
});

test('a config with problems is refused with exit code 2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dh-start-'));
  const file = join(folder, 'config.yaml');
  await writeFile(file, 'server: { host: 0.0.0.0 }\nqueues: embedded\n');
  const failure = await run(process.execPath, [PROGRAM, 'serve', '--config', file]).then(
    () => assert.fail('it must not start'),
    (error: { code: number; stderr: string }) => error,
  );
  assert.equal(failure.code, 2);
  assert.match(failure.stderr, /queues/);
  await rm(folder, { recursive: true });
});

test('a PACS and a RIS that are away are warnings: the service starts', async () => {
  const port = await freePort();
  const daemon = await startDaemon({
    config: {
      pacs: [{ name: 'archive', url: `http://127.0.0.1:${port}/dicom-web` }],
      ris: [{ name: 'ris', host: '127.0.0.1', port }],
    },
  });
  await until('it warns', async () =>
    daemon.log.some(({ code, pacs }) => code === 'web.unreachable' && pacs === 'archive'),
  );
  assert.equal((await fetch(`${daemon.url}/readyz`)).status, 200);
  await daemon.remove();
});

test('with users and tokens only they get in, and are asked before a body is read', async () => {
  const daemon = await startDaemon({ config: { server: { ...USERS, ...TOKENS } } });
  const statusOf = async (path: string, authorization?: string) => {
    const answer = await fetch(daemon.url + path, {
      headers: authorization === undefined ? {} : { authorization },
    });
    await answer.body?.cancel();
    return answer.status;
  };
  for (const path of ['/', '/metrics', '/api/studies', '/nothing']) assert.equal(await statusOf(path), 401);
  for (const path of ['/livez', '/readyz']) assert.equal(await statusOf(path), 200);
  assert.equal(await statusOf('/api/studies', basic('reader:correct horse')), 200);
  assert.equal(await statusOf('/api/studies', 'Bearer a-token-of-twenty-four-ch'), 200);
  for (const wrong of [
    basic('reader:wrong horse'),
    basic('nobody:correct horse'),
    basic('orthanc:a-token-of-twenty-four-ch'),
    'Bearer a-token-of-twenty-four-cx',
    'Bearer',
    'Basic ????',
  ]) {
    assert.equal(await statusOf('/api/studies', wrong), 401, wrong);
  }
  // A request that only promises a body: the refusal comes before a byte of it was sent.
  const { port } = new URL(daemon.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    'POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n' +
      'Content-Type: multipart/related; type="application/dicom"; boundary=b\r\n\r\n',
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  assert.match(head.toString(), /^HTTP\/1\.1 401 /);
  assert.match(head.toString(), /www-authenticate: Basic/i);
  socket.destroy();
  await daemon.remove();
});

test('over TLS with a client CA only clients with a certificate of it get in', async (t) => {
  if (!existsSync('/usr/bin/openssl')) return t.skip('openssl is not installed');
  const authority = await makeAuthority();
  const own = await authority.issue('service');
  const client = await authority.issue('client');
  const daemon = await startDaemon({
    config: { server: { tls: { cert: own.certPath, key: own.keyPath, clientCa: authority.certPath } } },
  });
  assert.match(daemon.url, /^https:/);
  const ask = async (certificate: { cert?: string; key?: string }) => {
    const agent = new Agent({ connect: { ca: authority.cert, ...certificate } });
    try {
      const answer = await request(`${daemon.url}/livez`, { dispatcher: agent });
      await answer.body.dump();
      return answer.statusCode;
    } finally {
      await agent.close();
    }
  };
  assert.equal(await ask({ cert: client.cert, key: client.key }), 200);
  await assert.rejects(ask({}));
  await daemon.remove();
  await authority.remove();
});

test('SIGTERM under work: the study in hand is finished or put back, exit code 0', async () => {
  const daemon = await startDaemon();
  const files = Array.from({ length: 6 }, (_, index) => film(951 + index));
  for (const file of files) await (await daemon.push(file)).body?.cancel();
  await until('one is in work', async () => daemon.log.some(({ msg }) => msg === 'Read and reported'));
  assert.deepEqual(await daemon.end(), { code: 0, signal: null });
  await daemon.start();
  for (const file of files) {
    const row = await daemon.reaches(studyOf(file), 'delivered');
    assert.equal(row.events.filter(({ kind }) => kind === 'reported').length, 1);
  }
  await daemon.remove();
});

test('SIGHUP takes over a changed config as a whole, or keeps the old one and says why', async () => {
  const daemon = await startDaemon();
  const hangUp = async (message: string) => {
    const before = daemon.log.length;
    daemon.child.kill('SIGHUP');
    await until(message, async () => daemon.log.slice(before).some(({ msg }) => msg === message));
    return daemon.log.slice(before);
  };
  await daemon.configure({ server: { ...USERS }, report: { sr: { profiles: ['text'] } } });
  await hangUp('The changed configuration is in force');
  const answer = await fetch(`${daemon.url}/api/studies`);
  assert.equal(answer.status, 401);
  await answer.body?.cancel();

  await daemon.configure({ server: { ...USERS }, ledger: 'elsewhere.sqlite' });
  const refused = await hangUp('The old configuration stays');
  assert.match(JSON.stringify(refused), /service\.reload-refused.*ledger/);

  await daemon.configure({ model: { path: join(daemon.folder, 'no-model') } });
  const broken = await hangUp('The old configuration stays');
  assert.match(JSON.stringify(broken), /model\.missing/);
  const still = await fetch(`${daemon.url}/api/studies`);
  assert.equal(still.status, 401, 'the users of the first reload are still asked for');
  await still.body?.cancel();

  await daemon.configure({ report: { sr: { profiles: ['text'] } } });
  await hangUp('The changed configuration is in force');
  const file = film(961);
  await (await daemon.push(file)).body?.cancel();
  const row = await daemon.reaches(studyOf(file), 'delivered');
  assert.deepEqual(row.objects.map(({ kind }) => kind).toSorted(), ['heat-map', 'oru', 'sr-text']);
  await daemon.remove();
});

test('SIGHUP takes an archive out of the config whose answer never ends, and the others wait for nothing', async () => {
  const endless = await startStandInPacs();
  const asked = Promise.withResolvers<void>();
  endless.behave(({ query }, response) => {
    if (!query.has('ModalitiesInStudy')) return void response.writeHead(204).end();
    response.writeHead(200, { 'content-type': 'application/dicom+json' }).write('[');
    const drip = setInterval(() => response.write(' '), 200);
    response.once('close', () => clearInterval(drip));
    asked.resolve();
    return undefined;
  });
  const pacs = [{ name: 'archive', url: endless.url, poll: { schedule: '* * * * * *' } }];
  const daemon = await startDaemon({ config: { pacs } });
  await asked.promise;
  await daemon.configure({});
  daemon.child.kill('SIGHUP');
  await until('it is in force', async () =>
    daemon.log.some(({ msg }) => msg === 'The changed configuration is in force'),
  );
  const file = film(962);
  await (await daemon.push(file)).body?.cancel();
  await daemon.reaches(studyOf(file), 'delivered');
  await daemon.remove();
  await endless.stop();
});

test('SIGUSR1, at which Node opens its debugger to everybody on the machine, does nothing', async () => {
  const daemon = await startDaemon();
  daemon.child.kill('SIGUSR1');
  await until('it was heard', async () =>
    [...daemon.said, ...daemon.log.map(({ msg }) => msg ?? '')].some((line) => /SIGUSR1|Debugger/.test(line)),
  );
  assert.ok(!daemon.said.some((line) => line.includes('Debugger listening')));
  await daemon.remove();
});

test('sign-ins that were refused in the minute before a stop are told, before the stop is', async (t) => {
  const trail = await mkdtemp(join(tmpdir(), 'dh-trail-'));
  t.after(() => rm(trail, { recursive: true, force: true }));
  const path = join(trail, 'audit.log');
  const daemon = await startDaemon({
    config: {
      server: USERS,
      observe: { audit: { type: 'file', path }, log: { level: 'debug', pretty: 'never' } },
    },
  });
  for (let time = 0; time < 4; time++) {
    const answer = await fetch(`${daemon.url}/api/studies`, {
      headers: { authorization: basic('reader:wrong horse') },
    });
    assert.equal(answer.status, 401);
    await answer.body?.cancel();
  }
  await daemon.end();
  const told = await readFile(path, 'utf8');
  const counted = told.indexOf('Credentials refused 3 times');
  assert.ok(counted > 0, 'the first was told at once, three were counted');
  assert.ok(counted < told.indexOf('Application Stop'));
  await daemon.remove();
});

test('with the disk nearly full intake stops with A700, and goes on by itself', async () => {
  const daemon = await startDaemon();
  // A reserve that no disk has, then one that every disk has: the same as a disk that fills and empties.
  const reserve = async (size: string) => {
    await daemon.configure({ storage: { reserve: size } });
    daemon.child.kill('SIGHUP');
  };
  const first = film(971);
  await (await daemon.push(first)).body?.cancel();
  await reserve('1000000 TiB');
  await until('readiness says so', async () => {
    const { problems } = (await daemon.api('/readyz')) as { problems: string[] };
    return problems.includes('storage.low');
  });
  const refused = await daemon.push(film(972));
  assert.equal(refused.status, 409);
  assert.match(JSON.stringify(await refused.json()), /"00081197":\{[^}]*42752/);
  await daemon.reaches(studyOf(first), 'delivered');
  await reserve('1 MiB');
  await until('it is ready', async () => (await fetch(`${daemon.url}/readyz`)).status === 200);
  const taken = await daemon.push(film(972));
  assert.equal(taken.status, 200);
  await taken.body?.cancel();
  await daemon.reaches(studyOf(film(972)), 'delivered');
  await daemon.remove();
});

test('demo goes the whole way and prints where the results are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dh-demo-'));
  const child = spawn(process.execPath, [PROGRAM, 'demo', '--json', '--data', folder]);
  child.stderr.resume();
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0);
  const made = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
  for (const kind of ['sr-text', 'sr-air', 'heat-map', 'oru', 'console']) assert.ok(made[kind], kind);
  await rm(folder, { recursive: true });
});
