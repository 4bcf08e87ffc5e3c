/** Requests in forms that two readers may understand in two ways, odd methods, and the same announcement again and again. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type StandInPacs, sendJson, startStandInPacs } from '../peers/stand-in-pacs.ts';
import { film, instanceOf, startDaemon, studyOf, type TestDaemon } from './daemon.ts';
import { say } from './raw-http.ts';

const PASSWORD = 'correct horse battery';
const HOST = 'host: 127.0.0.1\r\n';
const CLOSE = 'connection: close\r\n';
const ALIVE = `GET /livez HTTP/1.1\r\n${HOST}${CLOSE}\r\n`;
const POST = `POST /api/studies/1.2.3 HTTP/1.1\r\n${HOST}`;
const basic = (password: string) =>
  `authorization: Basic ${Buffer.from(`reader:${password}`).toString('base64')}\r\n`;

let archive: StandInPacs;
let open: TestDaemon;
let guarded: TestDaemon;

before(async () => {
  archive = await startStandInPacs();
  [open, guarded] = await Promise.all([
    startDaemon({
      role: 'intake',
      config: { pacs: [{ name: 'archive', url: archive.url }], server: { maxFilm: '700 KiB' } },
    }),
    startDaemon({ role: 'intake', config: { server: { users: [{ name: 'reader', password: PASSWORD }] } } }),
  ]);
});

after(async () => {
  await Promise.all([open?.remove(), guarded?.remove()]);
  await archive?.stop();
});

test('what a proxy may read otherwise is no request, and what hides behind it is not answered', async () => {
  const chunked = `${POST}transfer-encoding: chunked\r\n\r\n`;
  const shapes: Readonly<Record<string, string>> = {
    'line ends of one character': `GET /livez HTTP/1.1\nhost: 127.0.0.1\n\n${ALIVE}`,
    'a bare line end before the body': `${POST}content-length: 0\r\n\n${ALIVE}`,
    'carriage returns alone': `GET /livez HTTP/1.1\rhost: 127.0.0.1\r\r${ALIVE}`,
    'chunks that end in bare line ends': `${chunked}2\n{}\n0\n\n${ALIVE}`,
    'a chunk extension with a bare line end': `${chunked}2;a\n{}\r\n0\r\n\r\n${ALIVE}`,
    'a chunk extension with a line in quotes': `${chunked}2;a="\r\nx"\r\n{}\r\n0\r\n\r\n${ALIVE}`,
    'a chunk extension without end': `${chunked}2;${'a'.repeat(40_000)}\r\n{}\r\n0\r\n\r\n${ALIVE}`,
    'a trailer that is a length': `${chunked}2\r\n{}\r\n0\r\ncontent-length: 99\r\n\r\n${ALIVE}`,
    'chunked twice': `${POST}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${ALIVE}`,
    'chunks in HTTP/1.0': `POST /api/studies/1.2.3 HTTP/1.0\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${ALIVE}`,
    'a length beyond all numbers': `${POST}content-length: 99999999999999999999999\r\n\r\n${ALIVE}`,
    'a header without a name': `GET /livez HTTP/1.1\r\n${HOST}: z\r\n\r\n${ALIVE}`,
    'a header name with a blank': `GET /livez HTTP/1.1\r\n${HOST}x y: z\r\n\r\n${ALIVE}`,
    'tabs between the words': `GET\t/livez\tHTTP/1.1\r\n${HOST}\r\n${ALIVE}`,
    'a method in small letters': `get /livez HTTP/1.1\r\n${HOST}\r\n${ALIVE}`,
    'the beginning of HTTP/2': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${ALIVE}`,
    'another protocol version': `GET /livez HTTP/3.7\r\n${HOST}\r\n${ALIVE}`,
    'no host': `GET /livez HTTP/1.1\r\n\r\n${ALIVE}`,
    'two hosts': `GET /livez HTTP/1.1\r\n${HOST}host: other.example\r\n\r\n${ALIVE}`,
    'the same host twice': `GET /livez HTTP/1.1\r\n${HOST}${HOST}\r\n${ALIVE}`,
    'an address that names another host': `GET http://other.example/livez HTTP/1.1\r\n${HOST}\r\n${ALIVE}`,
    'two origins': `${POST}origin: http://127.0.0.1\r\norigin: http://other.example\r\ncontent-length: 0\r\n\r\n${ALIVE}`,
    'two content types': `${POST}content-type: application/json\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n{}${ALIVE}`,
    'a body that waits for something else': `${POST}${CLOSE}expect: 200-ok\r\ncontent-length: 2\r\n\r\n{}`,
  };
  for (const [what, bytes] of Object.entries(shapes)) {
    const { statuses, text } = await say(open.url, Buffer.from(bytes, 'latin1'));
    assert.ok(statuses.length <= 1 && (statuses[0] ?? 400) >= 400, `${what}: ${statuses}`);
    assert.doesNotMatch(text, /"alive"/, what);
  }
  assert.deepEqual((await say(open.url, ALIVE)).statuses, [200]);
});

test('what is odd but has one meaning is answered as often as it was asked', async () => {
  const old = 'GET /livez HTTP/1.0\r\n';
  const shapes: Readonly<Record<string, readonly [string, number]>> = {
    'HTTP/1.0 is closed after its answer': [`${old}\r\n${old}\r\n`, 1],
    'HTTP/1.0 that asks to be kept open': [`${old}connection: keep-alive\r\n\r\n${old}\r\n`, 2],
    'a GET with a body that looks like another': [
      `GET /livez HTTP/1.1\r\n${HOST}content-length: ${ALIVE.length}\r\n\r\n${ALIVE}${ALIVE}`,
      2,
    ],
    'an address with its own host': [`GET http://127.0.0.1/livez HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 1],
    'an offer of another protocol': [
      `GET /livez HTTP/1.1\r\n${HOST}connection: upgrade, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n`,
      1,
    ],
  };
  for (const [what, [bytes, answers]] of Object.entries(shapes)) {
    const { statuses } = await say(open.url, bytes);
    assert.deepEqual(statuses, Array(answers).fill(200), what);
  }
});

test('of credentials that come twice none count', async () => {
  const ask = (headers: string) =>
    say(guarded.url, `GET /api/studies HTTP/1.1\r\n${HOST}${CLOSE}${headers}\r\n`);
  assert.deepEqual((await ask(basic(PASSWORD))).statuses, [200]);
  for (const [first, second] of [
    [PASSWORD, 'wrong-password'],
    ['wrong-password', PASSWORD],
    [PASSWORD, PASSWORD],
  ] as const) {
    assert.deepEqual((await ask(basic(first) + basic(second))).statuses, [400]);
  }
});

test('HEAD tells what GET would without a body, OPTIONS allows no other site anything, TRACE repeats nothing', async () => {
  const ask = (url: string, method: string, path: string, headers = '') =>
    say(url, `${method} ${path} HTTP/1.1\r\n${HOST}${CLOSE}${headers}\r\n`);
  const head = await ask(open.url, 'HEAD', '/api/studies');
  assert.deepEqual(head.statuses, [200]);
  assert.match(head.text, /content-length: \d\d/i);
  assert.ok(head.text.endsWith('\r\n\r\n'));
  assert.deepEqual((await ask(guarded.url, 'HEAD', '/api/studies')).statuses, [401]);

  const preflight = 'origin: https://evil.example\r\naccess-control-request-method: POST\r\n';
  for (const path of ['/api/studies', '/api/studies/1.2.3', '/dicom-web/studies', '/', '*']) {
    assert.doesNotMatch(
      (await ask(open.url, 'OPTIONS', path, preflight)).text,
      /access-control-allow/i,
      path,
    );
  }
  const trace = await ask(open.url, 'TRACE', '/livez', 'x-secret: repeated\r\n');
  assert.ok((trace.statuses[0] ?? 0) >= 400);
  assert.doesNotMatch(trace.text, /repeated/);
  assert.deepEqual((await ask(open.url, 'CONNECT', '127.0.0.1:5432')).statuses, []);
});

test('who waits before sending a body hears at once when it is not wanted, and is never asked for it', async () => {
  const waiting = (path: string, type: string, length: number) =>
    `POST ${path} HTTP/1.1\r\n${HOST}content-type: ${type}\r\nexpect: 100-continue\r\ncontent-length: ${length}\r\n\r\n`;
  const stow = 'multipart/related; type="application/dicom"; boundary=b';
  for (const [path, type] of [
    ['/api/studies/1.2.3', 'application/json'],
    ['/api/studies/1.2.3/feedback', 'application/json'],
    ['/api/predict', 'image/png'],
    ['/dicom-web/studies', stow],
  ] as const) {
    const { statuses, text } = await say(open.url, waiting(path, type, 2_000_000_000), { answers: 1 });
    assert.deepEqual(statuses, [413], path);
    assert.doesNotMatch(text, /100 Continue/, path);
    const stranger = await say(guarded.url, waiting(path, type, 2), { answers: 1 });
    assert.deepEqual(stranger.statuses, [401], path);
    assert.doesNotMatch(stranger.text, /100 Continue/, path);
  }
  const wanted = await say(open.url, waiting('/api/studies/1.2.3/retry', 'application/json', 2), {
    answers: 1,
    more: (socket) => void socket.write('{}'),
  });
  assert.deepEqual(wanted.statuses, [404]);
  assert.match(wanted.text, /100 Continue/);
});

test('keys of prototypes and brackets without end are a wrong request and change nothing', async () => {
  const post = (body: string) =>
    fetch(`${open.url}/api/studies/1.2.3`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
  for (const body of [
    '{"__proto__":{"priority":"stat"}}',
    '{"constructor":{"prototype":{"priority":"stat"}}}',
    '{"priority":"__proto__"}',
    '['.repeat(60_000),
    `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
  ]) {
    const answer = await post(body);
    assert.equal(answer.status, 400, body.slice(0, 40));
    await answer.body?.cancel();
  }
  const query = await fetch(`${open.url}/api/studies?__proto__=1&constructor[prototype]=2&limit=1&limit=2`);
  assert.equal(query.status, 400);
  await query.body?.cancel();
});

test('an announcement that is repeated, or caught and sent again later, is one study and one reading', async () => {
  const file = film(1_800);
  const [study, instance] = [studyOf(file), instanceOf(file)];
  archive.behave((_request, response) =>
    sendJson(response, 200, [
      {
        '0020000D': { vr: 'UI', Value: [study] },
        '0020000E': { vr: 'UI', Value: ['2.25.7'] },
        '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.1.1'] },
        '00080018': { vr: 'UI', Value: [instance] },
        '00080060': { vr: 'CS', Value: ['DX'] },
      },
    ]),
  );
  const announce = async () => {
    const answer = await fetch(`${open.url}/api/studies/${study}`, { method: 'POST' });
    assert.equal(answer.status, 202);
    return (await answer.json()) as { state: string };
  };
  await Promise.all(Array.from({ length: 20 }, announce));
  await open.reaches(study, 'queued');
  for (let again = 0; again < 20; again += 1) assert.equal((await announce()).state, 'queued');
  const answer = await fetch(`${open.url}/api/studies/${study}`);
  const { events } = (await answer.json()) as { events: { kind: string; run: number }[] };
  assert.deepEqual(
    events.map(({ kind, run }) => `${kind} ${run}`),
    ['noticed 1', 'settled 1'],
  );
});
