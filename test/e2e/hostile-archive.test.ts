/** An archive that was taken over: where it wants us to go, we do not go. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createDicomWebClient, type DicomWebClient } from '../../src/dicom/web/client.ts';
import { writeMultipart } from '../../src/dicom/web/multipart.ts';
import { DeepHealthError } from '../../src/errors/error.ts';
import { type SeenRequest, type StandInPacs, sendJson, startStandInPacs } from '../peers/stand-in-pacs.ts';
import { film, instanceOf, studyOf } from './daemon.ts';

let archive: StandInPacs;
let elsewhere: StandInPacs;
let client: DicomWebClient;

const FILM = film(77);
const [STUDY, INSTANCE] = [studyOf(FILM), instanceOf(FILM)];
const REFERENCE = { studyInstanceUid: STUDY, seriesInstanceUid: '2.25.7', sopInstanceUid: INSTANCE };

before(async () => {
  [archive, elsewhere] = [await startStandInPacs(), await startStandInPacs()];
  client = createDicomWebClient({
    name: 'archive',
    url: archive.url,
    auth: { kind: 'basic', username: 'deep-health', password: 'secret-of-the-archive' },
    timeouts: { total: 5_000, headers: 5_000, body: 5_000 },
  });
});

after(async () => {
  await client?.close();
  await archive?.stop();
  await elsewhere?.stop();
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    assert.ok(error instanceof DeepHealthError, String(error));
    return error.code;
  }
}

const everything: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['search', () => client.searchStudies({ from: '20260101', to: '20260102' })],
  ['instances', () => client.searchInstances(STUDY)],
  ['metadata', () => client.retrieveMetadata(STUDY)],
  ['retrieve', () => client.retrieveInstance(REFERENCE)],
  ['store', () => client.storeInstances(STUDY, [{ sopInstanceUid: INSTANCE, bytes: FILM }])],
];

test('addresses in its answers are read by nobody', async () => {
  const away = elsewhere.url;
  archive.behave((_request, response) => {
    sendJson(response, 200, [
      {
        '00080018': { vr: 'UI', Value: [INSTANCE] },
        '00080020': { vr: 'DA', Value: ['20260101'] },
        '00081190': { vr: 'UR', Value: [`${away}/studies/1`] },
        '00081199': {
          vr: 'SQ',
          Value: [{ '00081155': { vr: 'UI', Value: [INSTANCE] }, '00081190': { vr: 'UR', Value: [away] } }],
        },
        '0020000D': { vr: 'UI', Value: [STUDY] },
        '0020000E': { vr: 'UI', Value: ['2.25.7'] },
        '00091001': { vr: 'UN', BulkDataURI: `${away}/bulk` },
        '7FE00010': { vr: 'OW', BulkDataURI: 'file:///etc/passwd' },
      },
    ]);
  });
  for (const [, ask] of everything) await codeOf(ask());
  const [found] = await client.searchInstances(STUDY);
  assert.equal(found?.sopInstanceUid, INSTANCE);
  assert.deepEqual(found?.dataset['7FE00010'], { vr: 'OW' });
  assert.equal(elsewhere.seen.length, 0);
});

test('it cannot send us, or our password, to another host, port or scheme', async () => {
  const away = new URL(elsewhere.url);
  const places = [
    `${away.origin}/dicom-web/studies`,
    `//127.0.0.1:${away.port}/x`,
    `http://user:password@127.0.0.1:${away.port}/`,
    `http://localhost:${archive.port}/dicom-web/studies`,
    `https://127.0.0.1:${archive.port}/dicom-web/studies`,
    'http://169.254.169.254/latest/meta-data/',
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
    `http://127.0.0.1:${archive.port}@127.0.0.1:${away.port}/`,
    `\\\\127.0.0.1:${away.port}\\x`,
  ];
  for (const status of [301, 302, 303, 307, 308]) {
    for (const location of places) {
      archive.behave((_request, response) => void response.writeHead(status, { location }).end());
      for (const [what, ask] of everything) {
        const outcome =
          what === 'store' ? ((await ask()) as { code: string }[])[0]?.code : await codeOf(ask());
        assert.equal(outcome, 'web.redirect-refused', `${what} to ${location}`);
      }
    }
  }
  assert.equal(elsewhere.seen.length, 0);
});

test('parts and rows with UIDs that are paths or other addresses are left out of what we ask next', async () => {
  const paths = [
    '../../admin',
    '1.2.3/../../x',
    'http://127.0.0.1/',
    '1.2.3?x=y',
    '1.2.3#',
    '%2e%2e',
    '1.2.3\r\nx: y',
    '',
  ];
  archive.behave((request: SeenRequest, response) => {
    sendJson(
      response,
      200,
      request.path.endsWith('/series')
        ? paths.map((uid) => ({ '0020000E': { vr: 'UI', Value: [uid] } }))
        : paths.map((uid) => ({
            '00080018': { vr: 'UI', Value: [uid] },
            '0020000E': { vr: 'UI', Value: [uid] },
          })),
    );
  });
  assert.deepEqual(await client.searchInstances(STUDY), []);
  assert.deepEqual(await client.searchSeries(STUDY), []);
  for (const uid of paths) {
    assert.equal(await codeOf(client.retrieveInstance({ ...REFERENCE, sopInstanceUid: uid })), 'web.bad-uid');
    assert.equal(await codeOf(client.searchInstances(uid)), 'web.bad-uid');
  }
  for (const { path } of archive.seen)
    assert.match(path, /^\/dicom-web\/studies(\/[\d.]+(\/(series|instances|metadata)(\/[\d.]+)?)*)?$/);
});

test('another film than the one asked for is not taken for it', async () => {
  const other = film(78);
  const message = writeMultipart('application/dicom', [
    { contentType: 'application/dicom', size: other.length, open: () => [other] },
  ]);
  archive.behave(async (_request, response) => {
    response.writeHead(200, { 'content-type': message.contentType });
    for await (const chunk of message.stream()) response.write(chunk);
    response.end();
  });
  assert.equal(await codeOf(client.retrieveInstance(REFERENCE)), 'web.wrong-instance');
});

test('a compressed answer is not unpacked, however little of it there is', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20, ' '));
  archive.behave((_request, response) => {
    const headers = { 'content-type': 'application/dicom+json', 'content-encoding': 'gzip' };
    response.writeHead(200, headers).end(bomb);
  });
  for (const [what, ask] of everything) {
    const outcome = what === 'store' ? ((await ask()) as { code: string }[])[0]?.code : await codeOf(ask());
    assert.match(String(outcome), /^(web\.answer-malformed|stow\.unconfirmed)$/, what);
  }
});

/** An archive that says on a bare socket what no HTTP server would; `speak` is called for every request. */
async function bareArchive(speak: (socket: Socket, request: number) => void | Promise<void>) {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => {
      requests += 1;
      void speak(socket, requests);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const bare = createDicomWebClient({
    name: 'bare',
    url: `http://127.0.0.1:${port}/dicom-web`,
    connections: 1,
    timeouts: { total: 2_000, headers: 1_500, body: 1_500 },
  });
  return {
    client: bare,
    async stop() {
      await bare.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Writes again and again until nobody listens any more. */
async function endlessly(socket: Socket, piece: string, pauseMs: number): Promise<void> {
  while (!socket.destroyed && socket.writable) {
    if (!socket.write(piece) || pauseMs > 0)
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, pauseMs)));
  }
}

const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/dicom+json\r\n';

test('headers, hints and bodies without end, fast or a byte at a time, end with a code', async () => {
  const shapes: Readonly<Record<string, readonly [string, string, number, RegExp]>> = {
    'hints without end': ['', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n', 0, /^web\./],
    'hints now and then': ['', 'HTTP/1.1 103 Early Hints\r\n\r\n', 200, /^web\.timeout$/],
    'headers without end': ['HTTP/1.1 200 OK\r\n', 'a: b\r\n'.repeat(100), 0, /^web\.answer-too-large$/],
    'a header now and then': ['HTTP/1.1 200 OK\r\n', 'a: b\r\n', 200, /^web\.timeout$/],
    'a body without end': [`${JSON_HEAD}\r\n[`, '{},'.repeat(10_000), 0, /^web\.answer-too-large$/],
    'a byte now and then': [`${JSON_HEAD}content-length: 1000000\r\n\r\n[`, ' ', 200, /^web\.timeout$/],
    'no end of a chunk size': [
      `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n`,
      '0'.repeat(1000),
      0,
      /^web\./,
    ],
    'chunk extensions without end': [
      `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n1;`,
      'a'.repeat(1000),
      0,
      /^web\./,
    ],
  };
  for (const [what, [start, piece, pause, code]] of Object.entries(shapes)) {
    const bare = await bareArchive(async (socket) => {
      socket.write(start);
      await endlessly(socket, piece, pause);
    });
    try {
      assert.match(await codeOf(bare.client.searchInstances(STUDY)), code, what);
    } finally {
      await bare.stop();
    }
  }
});

test('an answer that nobody asked for is given to no later question', async () => {
  const rows = (uid: string) =>
    JSON.stringify([{ '00080018': { vr: 'UI', Value: [uid] }, '0020000E': { vr: 'UI', Value: ['2.25.7'] } }]);
  const answer = (uid: string) => `${JSON_HEAD}content-length: ${rows(uid).length}\r\n\r\n${rows(uid)}`;
  const bare = await bareArchive((socket, request) => {
    socket.write(`${answer(`1.2.${request}`)}${answer('6.6.6')}`);
  });
  try {
    const found = await Promise.all(
      Array.from({ length: 8 }, () => bare.client.retrieveMetadata(STUDY).catch(() => [])),
    );
    const uids = found.flat().map((dataset) => dataset['00080018']?.Value?.[0]);
    assert.ok(uids.length > 0);
    assert.ok(!uids.includes('6.6.6'), String(uids));
  } finally {
    await bare.stop();
  }
});

test('a token server cannot send our secret elsewhere', async () => {
  const tokens = await startStandInPacs();
  const client = createDicomWebClient({
    name: 'archive',
    url: archive.url,
    auth: {
      kind: 'oauth2',
      tokenUrl: tokens.url,
      clientId: 'deep-health',
      clientSecret: 'secret-of-ours',
      credentials: 'body',
    },
  });
  try {
    const before = elsewhere.seen.length;
    for (const status of [301, 302, 303, 307, 308]) {
      tokens.behave(
        (_request, response) => void response.writeHead(status, { location: elsewhere.url }).end(),
      );
      assert.equal(await codeOf(client.searchInstances(STUDY)), 'web.token-refused');
    }
    assert.equal(elsewhere.seen.length, before);
  } finally {
    await client.close();
    await tokens.stop();
  }
});
