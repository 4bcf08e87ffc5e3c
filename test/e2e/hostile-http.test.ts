/** The HTTP server against senders who mean harm, over bare sockets. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../peers/process.ts';
import { film, startDaemon, studyOf, type TestDaemon } from './daemon.ts';
import { say, silent } from './raw-http.ts';

let daemon: TestDaemon;
let guarded: TestDaemon;
const PASSWORD = 'correct horse battery';

before(async () => {
  // Only what takes in: nothing here is read, and a network need not be loaded.
  [daemon, guarded] = await Promise.all([
    startDaemon({
      role: 'intake',
      config: { server: { maxRequest: '1 MiB', maxFilm: '700 KiB', connections: 64 } },
    }),
    startDaemon({ role: 'intake', config: { server: { users: [{ name: 'reader', password: PASSWORD }] } } }),
  ]);
});

after(() => Promise.all([daemon?.remove(), guarded?.remove()]));

const HOST = 'host: 127.0.0.1\r\n';
const STOW = `POST /dicom-web/studies HTTP/1.1\r\n${HOST}content-type: multipart/related; type="application/dicom"; boundary=b\r\n`;

async function alive(): Promise<void> {
  const answer = await fetch(`${daemon.url}/livez`);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
}

/** Everything below the films folder. */
async function kept(): Promise<string[]> {
  const entries = await readdir(join(daemon.folder, 'films'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test('whoever sends a header a letter at a time, or nothing at all, is cut off', async () => {
  const slowly = say(daemon.url, 'GET /livez HTTP/1.1\r\nx: ', {
    async more(socket) {
      while (!socket.destroyed) {
        socket.write('a');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
  });
  for (const { statuses } of await Promise.all([slowly, say(daemon.url, '')])) {
    assert.ok(statuses.length === 0 || statuses[0] === 408, String(statuses));
  }
});

test('a million headers, one endless header and an endless address are refused on the way', async () => {
  const endless = {
    headers: [`GET /livez HTTP/1.1\r\n${HOST}`, 'a:b\r\n'.repeat(1_000)],
    header: [`GET /livez HTTP/1.1\r\n${HOST}a: `, 'b'.repeat(5_000)],
    address: ['GET /', 'b'.repeat(5_000)],
  };
  for (const [what, [start = '', piece = '']] of Object.entries(endless)) {
    const { statuses } = await say(daemon.url, start, {
      async more(socket) {
        for (let times = 0; times < 1_000 && !socket.destroyed; times += 1) {
          if (!socket.write(piece)) await new Promise((resolve) => setTimeout(resolve, 1));
        }
      },
    });
    assert.ok(statuses.length === 0 || statuses[0] === 431, `${what}: ${statuses}`);
  }
  await alive();
});

test('a body over the limit is refused by its length before it comes, and on the way where it has none', async () => {
  const announced = await say(daemon.url, `${STOW}content-length: 2000000\r\n\r\n`, { answers: 1 });
  assert.deepEqual(announced.statuses, [413]);
  const patient = await say(daemon.url, `${STOW}content-length: 2000000\r\nexpect: 100-continue\r\n\r\n`, {
    answers: 1,
  });
  assert.deepEqual(patient.statuses, [413]);
  assert.doesNotMatch(patient.text, /100 Continue/);
  const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;
  const streamed = await say(daemon.url, `${STOW}transfer-encoding: chunked\r\n\r\n`, {
    answers: 1,
    async more(socket) {
      const begin = '--b\r\nContent-Type: application/dicom\r\n\r\n';
      socket.write(`${begin.length.toString(16)}\r\n${begin}\r\n`);
      for (let times = 0; times < 40 && !socket.destroyed; times += 1) {
        if (!socket.write(chunk)) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  });
  assert.deepEqual(streamed.statuses, [413]);
  const json = `POST /api/studies/1.2.3 HTTP/1.1\r\n${HOST}content-type: application/json\r\n`;
  assert.deepEqual(
    (await say(daemon.url, `${json}content-length: 70000\r\n\r\n`, { answers: 1 })).statuses,
    [413],
  );
  assert.deepEqual(await kept(), []);
});

const SMUGGLED = 'GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';

test('two opinions about the length of a body are no request, and what hides behind it is not answered', async () => {
  const post = `POST /api/studies/1.2.3 HTTP/1.1\r\n${HOST}`;
  const shapes: Readonly<Record<string, string>> = {
    'length and chunks': `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'chunks and length': `${post}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'two lengths': `${post}content-length: 2\r\ncontent-length: 0\r\n\r\n{}${SMUGGLED}`,
    'lengths in a list': `${post}content-length: 2, 0\r\n\r\n{}${SMUGGLED}`,
    'a length with a sign': `${post}content-length: +2\r\n\r\n{}${SMUGGLED}`,
    'a length in hex': `${post}content-length: 0x2\r\n\r\n{}${SMUGGLED}`,
    'an unknown coding': `${post}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'chunked, but not last': `${post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'a blank before the colon': `${post}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'a vertical tab': `${post}transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'a folded header': `${post}x: y\r\n content-length: 2\r\ntransfer-encoding:\r\n chunkedx\r\n\r\n{}${SMUGGLED}`,
    'a chunk size that is none': `${post}transfer-encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n${SMUGGLED}`,
    'a chunk size beyond all': `${post}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n${SMUGGLED}`,
    'a chunk longer than it says': `${post}transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n${SMUGGLED}`,
    'a NUL in a header': `${post}x: a\0b\r\ncontent-length: 0\r\n\r\n${SMUGGLED}`,
    'a line end alone in a header': `${post}x: a\rcontent-length: 0\r\n\r\n${SMUGGLED}`,
  };
  for (const [what, bytes] of Object.entries(shapes)) {
    const { statuses, text } = await say(daemon.url, bytes);
    assert.ok(statuses.length <= 1 && (statuses[0] ?? 400) >= 400, `${what}: ${statuses}`);
    assert.doesNotMatch(text, /"alive"/, what);
  }
});

test('garbage behind a request ends the connection; a thousand requests at once are all answered', async () => {
  const { statuses } = await say(daemon.url, `${SMUGGLED}\x16\x03\x01 garbage\r\n\r\n${SMUGGLED}`);
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  const many = await say(daemon.url, SMUGGLED.repeat(1_000), { answers: 1_000 });
  assert.ok(many.statuses.every((status) => status === 200));
  await alive();
});

test('no path leads out of its folder: studies, console, encoded or not', async () => {
  const tricks = [
    '/console/../../package.json',
    '/console/..%2f..%2f..%2fpackage.json',
    '/console/%2e%2e/%2e%2e/app.ts',
    '/console/..%5c..%5capp.ts',
    '/console/main.js%00.txt',
    '/console/main.js/../../../../package.json',
    '/console//etc/passwd',
    '/../../../../etc/passwd',
    '/console/.%2e/context.ts',
    '/api/studies/..%2f..%2fmetrics',
    '/api/studies/1.2.3/films/..%2f..%2f/picture',
    '/api/studies/1.2.3/objects/%2e%2e%2f%2e%2e%2fledger.sqlite/content',
    '/api/studies/%ff%fe',
    '/api/studies/%',
    '/%',
  ];
  for (const path of tricks) {
    const { statuses, text } = await say(
      daemon.url,
      `GET ${path} HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`,
    );
    assert.ok(
      statuses.length === 1 && (statuses[0] ?? 0) >= 400 && (statuses[0] ?? 0) < 500,
      `${path}: ${statuses}`,
    );
    assert.doesNotMatch(text, /"devDependencies"|root:|import /, path);
  }
  for (const study of ['..%2f..%2fetc', '.', '1.2.3%00', '1.2.3/../../x', "1';--"]) {
    const { statuses } = await say(
      daemon.url,
      `POST /dicom-web/studies/${encodeURI(study)} HTTP/1.1\r\n${HOST}content-type: multipart/related; type="application/dicom"; boundary=b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
    assert.ok(
      statuses.length === 1 && (statuses[0] ?? 0) >= 400 && (statuses[0] ?? 0) < 500,
      `${study}: ${statuses}`,
    );
  }
});

test('a film whose UID is a path is refused, and written nowhere', async () => {
  for (const uid of [
    '../../../../tmp/dh-escaped',
    '/tmp/dh-escaped',
    '1.2.3/../../x',
    '1.2.3\\..\\x',
    '..',
    '1.2.\u0661',
  ]) {
    const hostile = film(1, { uids: { study: uid } });
    const answer = await daemon.push(hostile);
    assert.equal(answer.status, 409, uid);
    await answer.body?.cancel();
  }
  assert.deepEqual(await kept(), []);
});

test('what says that it is something else is not taken for it', async () => {
  const body = film(2);
  const types = [
    'application/dicom',
    'text/plain',
    'multipart/form-data; boundary=b',
    'multipart/related; type="text/html"; boundary=b',
    'application/json',
  ];
  for (const type of types) {
    const answer = await fetch(`${daemon.url}/dicom-web/studies`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: Buffer.from(body),
    });
    assert.equal(answer.status, 415, type);
    await answer.body?.cancel();
  }
  const gzip = await fetch(`${daemon.url}/api/studies/1.2.3`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: Buffer.from('1f8b08', 'hex'),
  });
  assert.equal(gzip.status, 415);
  await gzip.body?.cancel();
});

test('parts without end, parts within parts and a thousand and one parts are told, and leave nothing behind', async () => {
  const part = '--b\r\nContent-Type: application/dicom\r\n\r\n';
  const shapes: readonly (readonly [string, string, number])[] = [
    ['no delimiter at the end', `${part}DICM`, 400],
    ['no part', '--b--\r\n', 400],
    ['a header without end', `--b\r\n${'x: y\r\n'.repeat(4_000)}`, 400],
    [
      'parts within a part',
      `--b\r\nContent-Type: multipart/related; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n`,
      409,
    ],
    ['a thousand and one parts', `${`${part}x\r\n`.repeat(1_001)}--b--\r\n`, 413],
  ];
  for (const [what, body, status] of shapes) {
    const { statuses } = await say(daemon.url, `${STOW}content-length: ${body.length}\r\n\r\n${body}`, {
      answers: 1,
    });
    assert.deepEqual(statuses, [status], what);
  }
  assert.deepEqual(await kept(), []);
});

test('one client that holds connections open takes no place from another', async () => {
  const held = await silent(daemon.url, 200);
  try {
    await until('what is more than half of the places was closed', async () => held.alive() <= 32);
    assert.ok(held.alive() > 0);
    const other = await say(daemon.url, `GET /readyz HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`, {
      from: '127.0.0.2',
    });
    assert.deepEqual(other.statuses, [200]);
  } finally {
    held.end();
  }
  await until('the places are free again', async () => (await fetch(`${daemon.url}/livez`)).status === 200);
});

test('one client that pushes without end takes no place from another', async () => {
  const began = `${STOW}content-length: 500000\r\n\r\n--b\r\n`;
  const sockets: { destroy(): void }[] = [];
  // Half of a quarter of 64 connections.
  for (let i = 0; i < 8; i += 1) {
    void say(daemon.url, began, { more: (socket) => void sockets.push(socket) }).catch(() => {});
  }
  try {
    await until('the next push has to wait', async () => {
      const { statuses, text } = await say(daemon.url, began, {
        answers: 1,
        more: (socket) => void setTimeout(() => socket.destroy(), 500).unref(),
      });
      return statuses[0] === 503 && /retry-after: \d/i.test(text);
    });
    const other = await say(daemon.url, `${STOW}content-length: 7\r\n\r\n--b--\r\n`, {
      from: '127.0.0.2',
      answers: 1,
    });
    assert.deepEqual(other.statuses, [400]);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  const file = film(3);
  await until('there is room again', async () => (await daemon.push(file)).status === 200);
  assert.ok((await daemon.study(studyOf(file))) !== undefined);
});

test('a page of another site changes nothing here, and a name of somebody else leads nowhere', async () => {
  const post =
    'POST /api/studies/1.2.3/retry HTTP/1.1\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n';
  for (const headers of [
    `${HOST}origin: https://evil.example\r\n`,
    `${HOST}origin: null\r\n`,
    `${HOST}sec-fetch-site: cross-site\r\n`,
    `${HOST}sec-fetch-site: same-site\r\n`,
    'host: evil.example\r\n',
    'host: 127.0.0.1.evil.example:8104\r\n',
  ]) {
    assert.deepEqual((await say(daemon.url, `${post}${headers}\r\n{}`)).statuses, [403], headers);
  }
  assert.deepEqual(
    (await say(daemon.url, 'GET /api/studies HTTP/1.1\r\nconnection: close\r\nhost: rebound.example\r\n\r\n'))
      .statuses,
    [403],
  );
  assert.deepEqual((await say(daemon.url, `${post}${HOST}\r\n{}`)).statuses, [404]);
});

test('guessing passwords is held back, for the guesser alone, and the log names who it was without the guesses', async () => {
  const ask = async (password: string, from?: string) => {
    const credentials = Buffer.from(`reader:${password}`).toString('base64');
    const request = `GET /api/studies HTTP/1.1\r\n${HOST}authorization: Basic ${credentials}\r\nconnection: close\r\n\r\n`;
    return say(guarded.url, request, from === undefined ? {} : { from });
  };
  for (let guess = 0; guess < 10; guess += 1) assert.deepEqual((await ask(`guess-${guess}`)).statuses, [401]);
  const held = await ask(PASSWORD);
  assert.deepEqual(held.statuses, [429]);
  assert.match(held.text, /retry-after: \d+/i);
  assert.deepEqual((await ask(PASSWORD, '127.0.0.2')).statuses, [200]);
  const line = guarded.log.find(({ msg }) => msg === 'Wrong sign-ins are held back');
  assert.equal(line?.client, '127.0.0.1');
  assert.doesNotMatch(JSON.stringify(guarded.log), /guess-|correct horse|reader/);
  await until('who waited gets in', async () => (await ask(PASSWORD)).statuses[0] === 200);
});
