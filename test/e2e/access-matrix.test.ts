/** Who may do what: every route of the service, with no, wrong, ended and right credentials, over mutual TLS. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { request as httpsRequest } from 'node:https';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type Certificate, makeAuthority, type TestAuthority } from '../peers/certificates.ts';
import { until } from '../peers/process.ts';
import { startDaemon, type TestDaemon } from './daemon.ts';
import { say } from './raw-http.ts';
import { allRoutes, type Route } from './routes.ts';

const PASSWORD = 'correct horse battery';
const TOKEN = 'token-of-the-orthanc-beside';
const OLD_TOKEN = 'token-of-last-year-revoked';
/** Whoever watches over the service from outside has no secret; they tell nothing of anybody. */
const OPEN = ['/livez', '/readyz'];

const basic = (name: string, password: string) =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

let authority: TestAuthority;
let stranger: TestAuthority;
let client: Certificate;
let daemon: TestDaemon;
const routes = allRoutes();

function configOf(server: Certificate, tokens: readonly string[]) {
  return {
    server: {
      tls: { cert: server.certPath, key: server.keyPath, clientCa: authority.certPath },
      users: [{ name: 'reader', password: PASSWORD }],
      tokens: tokens.map((token, index) => ({ name: `token${index}`, token })),
    },
  };
}

let own: Certificate;
before(async () => {
  [authority, stranger] = [await makeAuthority(), await makeAuthority()];
  own = await authority.issue('service');
  client = await authority.issue('client');
  daemon = await startDaemon({ config: configOf(own, [TOKEN, OLD_TOKEN]) });
});

after(async () => {
  await daemon?.remove();
  await authority?.remove();
  await stranger?.remove();
});

interface Answer {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly body: string;
}

/** One request on a connection of its own; rejects when the connection is refused. */
function ask(
  { method, path }: Pick<Route, 'method' | 'path'>,
  { authorization, certificate }: { authorization?: string; certificate?: Certificate | null } = {},
): Promise<Answer> {
  const shown = certificate === undefined ? client : certificate;
  const { hostname, port } = new URL(daemon.url);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        ...{ hostname, port, method, path, agent: false, ca: authority.cert },
        ...(shown === null ? {} : { cert: shown.cert, key: shown.key }),
        headers: authorization === undefined ? {} : { authorization },
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            challenge: response.headers['www-authenticate'],
            body,
          }),
        );
      },
    );
    request.on('error', reject).end();
  });
}

const guarded = () => routes.filter(({ path }) => !OPEN.includes(path));

test('the routes are all there: none of those that the contract names is missing from the list', () => {
  const shown = routes.map(({ method, pattern }) => `${method} ${pattern}`);
  for (const route of [
    ...['GET /livez', 'GET /readyz', 'GET /metrics', 'GET /', 'POST /api/predict', 'GET /api/studies'],
    ...['POST /dicom-web/studies', 'POST /dicom-web/studies/:study', 'GET /api/studies/:study'],
    ...['POST /api/studies/:study', 'POST /api/studies/:study/retry', 'POST /api/studies/:study/feedback'],
  ]) {
    assert.ok(shown.includes(route), `${route} in ${shown.join(', ')}`);
  }
});

test('without, or with wrong credentials, every route but livez and readyz says 401 and nothing else', async () => {
  const refused: Readonly<Record<string, string | undefined>> = {
    none: undefined,
    empty: '',
    'an unknown scheme': 'Digest username="reader"',
    'a wrong password': basic('reader', 'wrong-password'),
    'an unknown name': basic('nobody', PASSWORD),
    'the password as a token': `Bearer ${PASSWORD.replaceAll(' ', '-')}`,
    'a wrong token': 'Bearer token-of-the-orthanc-besidf',
    'the token as a password': basic('token0', TOKEN),
    'a token in capitals': `Bearer ${TOKEN.toUpperCase()}`,
    'half of a token': `Bearer ${TOKEN.slice(0, -1)}`,
    'a name alone': basic('reader', ''),
    'what is not base64': 'Basic \u00ff\u00fe',
  };
  for (const route of guarded()) {
    for (const [what, authorization] of Object.entries(refused)) {
      const { status, challenge, body } = await ask(
        route,
        authorization === undefined ? {} : { authorization },
      );
      assert.equal(status, 401, `${route.method} ${route.path} with ${what}`);
      assert.match(challenge ?? '', /^Basic realm=.*Bearer realm=/);
      assert.equal((JSON.parse(body) as { error: { code: string } }).error.code, 'api.unauthorized');
    }
  }
});

test('with the right password or token every route does what it is for', async () => {
  for (const route of guarded()) {
    for (const authorization of [basic('reader', PASSWORD), `bearer ${TOKEN}`, `Bearer ${OLD_TOKEN}`]) {
      const { status } = await ask(route, { authorization });
      assert.ok(status !== 401 && status !== 403 && status < 500, `${route.method} ${route.path}: ${status}`);
    }
  }
});

test('what is not there, or not with this method, is told to nobody who did not sign in', async () => {
  for (const path of [
    '/nothing',
    '/api/nothing',
    '/console/../../etc/passwd',
    '/api/studies/1.2.3/x',
    '//livez/',
  ]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
      assert.equal((await ask({ method, path })).status, 401, `${method} ${path}`);
    }
  }
});

test('livez and readyz are open and say nothing of anybody', async () => {
  for (const path of OPEN) {
    const { status, body } = await ask({ method: 'GET', path });
    assert.equal(status, 200);
    assert.doesNotMatch(body, /\d+\.\d+\.\d+\.\d+|reader|token/);
  }
});

test('without a certificate, with an ended one or one of somebody else, no route is even reached', async () => {
  const certificates = {
    none: null,
    ended: await authority.issue('ended', undefined, -1),
    foreign: await stranger.issue('foreign'),
  };
  for (const route of routes) {
    for (const [what, certificate] of Object.entries(certificates)) {
      const asked = ask(route, { certificate, authorization: basic('reader', PASSWORD) });
      await assert.rejects(asked, `${route.method} ${route.path} with ${what}`);
    }
  }
});

test('who opens a connection and never shakes hands, or stops in the middle of it, is cut off', async () => {
  // The beginning of a ClientHello that announces 512 bytes.
  const begun = Buffer.from('1603010200010001fc0303', 'hex');
  for (const { text } of await Promise.all([say(daemon.url, ''), say(daemon.url, begun)])) {
    assert.doesNotMatch(text, /HTTP/);
  }
  const plain = await say(daemon.url, 'GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
  assert.deepEqual(plain.statuses, []);
});

test('a token that the config does not hold any more is refused from the reload on, on every route', async () => {
  await daemon.configure(configOf(own, [TOKEN]));
  daemon.child.kill('SIGHUP');
  await until('the token is refused', async () => {
    const { status } = await ask(
      { method: 'GET', path: '/metrics' },
      { authorization: `Bearer ${OLD_TOKEN}` },
    );
    return status === 401;
  });
  for (const route of guarded()) {
    assert.equal((await ask(route, { authorization: `Bearer ${OLD_TOKEN}` })).status, 401);
    assert.notEqual((await ask(route, { authorization: `Bearer ${TOKEN}` })).status, 401);
  }
});

const run = promisify(execFile);

/** What openssl's client makes of the service: protocol and cipher, or undefined where there is no handshake. */
async function handshake(...options: readonly string[]): Promise<string | undefined> {
  const { host } = new URL(daemon.url);
  const args = [
    's_client',
    '-connect',
    host,
    '-CAfile',
    authority.certPath,
    '-cert',
    client.certPath,
    '-key',
    client.keyPath,
  ];
  const child = run('openssl', [...args, ...options]);
  child.child.stdin?.end();
  const said = await child.then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );
  const [, protocol, cipher] = /New, (TLSv[\d.]+), Cipher is (\S+)/.exec(said) ?? [];
  return protocol === undefined || cipher === '(NONE)' ? undefined : `${protocol} ${cipher}`;
}

test('openssl gets TLS 1.3 and 1.2 with ephemeral keys and AEAD, nothing older, nothing weaker', async (t) => {
  if ((await run('openssl', ['version']).catch(() => undefined)) === undefined)
    return t.skip('openssl is not installed');
  assert.match((await handshake('-tls1_3')) ?? '', /^TLSv1\.3 TLS_(AES|CHACHA20)/);
  assert.match((await handshake('-tls1_2')) ?? '', /^TLSv1\.2 ECDHE-ECDSA-(AES|CHACHA20)/);
  const level = (cipher: string) => `${cipher}:@SECLEVEL=0`;
  for (const version of ['-tls1', '-tls1_1']) {
    assert.equal(await handshake(version, '-cipher', level('ALL')), undefined, version);
  }
  for (const cipher of [
    'ECDHE-ECDSA-AES128-SHA',
    'ECDHE-ECDSA-AES256-SHA384',
    'AES128-GCM-SHA256',
    'DHE-RSA-AES128-GCM-SHA256',
    'NULL',
    'aNULL',
  ]) {
    assert.equal(await handshake('-tls1_2', '-cipher', level(cipher)), undefined, cipher);
  }
});
