/** An archive that was taken over: where it wants us to go, we do not go. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
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
