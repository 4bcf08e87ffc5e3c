import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import { freePort } from '../../../test/peers/ports.ts';
import {
  type Behaviour,
  type StandInPacs,
  sendJson,
  startStandInPacs,
} from '../../../test/peers/stand-in-pacs.ts';
import { createDicomWebClient } from './client.ts';
import type { DicomWebTimeouts } from './config.ts';
import { reasonCode, type StoreOutcome } from './store.ts';
import { writeStoreResponse } from './store-response.ts';
import { writeDicomXml } from './xml.ts';

const STUDY = '2.25.7';
const A = '2.25.7.1';
const B = '2.25.7.2';
const instance = (sopInstanceUid: string) => ({
  sopInstanceUid,
  bytes: Buffer.from(`file ${sopInstanceUid}`),
});

const stored = (...uids: string[]) =>
  writeStoreResponse({
    stored: uids.map((sopInstanceUid) => ({ sopInstanceUid })),
    failed: [],
    otherFailures: [],
  });
const failedWith = (reason: number, ...uids: string[]) =>
  writeStoreResponse({
    stored: [],
    failed: uids.map((sopInstanceUid) => ({ sopInstanceUid, reason })),
    otherFailures: [],
  });

describe('a store is judged instance by instance', () => {
  let pacs: StandInPacs;
  /** What a query shows, whatever the store said. */
  let archive: Set<string>;
  let toStore: Behaviour;
  before(async () => {
    pacs = await startStandInPacs();
  });
  beforeEach(() => {
    archive = new Set();
    pacs.behave((request, response) => {
      if (request.method === 'POST') return toStore(request, response);
      const uid = request.query.get('SOPInstanceUID') ?? '';
      if (!archive.has(uid)) return void response.writeHead(204).end();
      sendJson(response, 200, [{ '00080018': { vr: 'UI', Value: [uid] } }]);
    });
  });
  after(() => pacs.stop());

  const store = (...uids: string[]): Promise<StoreOutcome[]> => storeWithin({}, uids);

  async function storeWithin(
    timeouts: Partial<DicomWebTimeouts>,
    uids: readonly string[],
  ): Promise<StoreOutcome[]> {
    const client = createDicomWebClient({
      name: 'pacs',
      url: pacs.url,
      timeouts,
      limits: { document: 100_000 },
    });
    try {
      return await client.storeInstances(STUDY, uids.map(instance));
    } finally {
      await client.close();
    }
  }

  const answers = (status: number, body: string | object = '', headers: Record<string, string> = {}) => {
    toStore = (_request, response) => {
      if (typeof body === 'string') response.writeHead(status, headers).end(body);
      else sendJson(response, status, body);
    };
  };

  it('sent as one message with its length and type, in DICOM JSON by preference', async () => {
    answers(200, stored(A, B));
    await store(A, B);
    const request = pacs.seen.filter(({ method }) => method === 'POST').at(-1);
    assert.equal(request?.path, `/dicom-web/studies/${STUDY}`);
    assert.equal(request?.headers['content-length'], String(request?.body.length));
    assert.equal(request?.headers['transfer-encoding'], undefined);
    assert.match(
      request?.headers['content-type'] ?? '',
      /^multipart\/related; type="application\/dicom"; boundary="/,
    );
    assert.match(request?.headers.accept ?? '', /^application\/dicom\+json/);
  });

  it('200 with failures inside is no success for those', async () => {
    answers(200, {
      ...stored(A),
      '00081198': failedWith(0xa700, B)['00081198'],
    });
    assert.deepEqual(await store(A, B), [
      { kind: 'stored', sopInstanceUid: A, evidence: 'answer' },
      { kind: 'refused', sopInstanceUid: B, code: 'stow.out-of-resources', reason: 0xa700 },
    ]);
  });

  it('200 with nothing inside is success only where a query shows the instance', async () => {
    for (const body of ['', '{}', '[]', '{"00081190":{"vr":"UR"}}', 'OK', '<html>welcome</html>', '{"a":']) {
      archive = new Set([A]);
      answers(200, body);
      assert.deepEqual(
        await store(A, B),
        [
          { kind: 'stored', sopInstanceUid: A, evidence: 'query' },
          { kind: 'unknown', sopInstanceUid: B, code: 'stow.unconfirmed' },
        ],
        body,
      );
    }
  });

  it('202, 409 and 400 with lists are as the lists say', async () => {
    for (const status of [202, 409, 400]) {
      answers(status, { ...stored(A), '00081198': failedWith(0x0122, B)['00081198'] });
      const outcomes = await store(A, B);
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['stored', 'refused'],
        `${status}`,
      );
    }
  });

  it('an answer in XML, or with the wrong type, is read all the same', async () => {
    answers(200, writeDicomXml(stored(A)), { 'content-type': 'application/dicom+xml' });
    assert.equal((await store(A))[0]?.kind, 'stored');
    answers(200, writeDicomXml(stored(A)), { 'content-type': 'application/dicom+json' });
    assert.equal((await store(A))[0]?.kind, 'stored');
    answers(200, JSON.stringify([stored(A)]), { 'content-type': 'text/plain' });
    assert.equal((await store(A))[0]?.kind, 'stored');
  });

  it('a warning is success with its reason', async () => {
    answers(202, {
      '00081199': {
        vr: 'SQ',
        Value: [{ '00081155': { vr: 'UI', Value: [A] }, '00081196': { vr: 'US', Value: [0xb000] } }],
      },
    });
    assert.deepEqual(await store(A), [{ kind: 'stored-with-warning', sopInstanceUid: A, reason: 0xb000 }]);
  });

  it('a duplicate is success where a query shows the instance, else refused', async () => {
    answers(409, failedWith(0x0111, A, B));
    archive = new Set([A]);
    assert.deepEqual(await store(A, B), [
      { kind: 'stored', sopInstanceUid: A, evidence: 'query' },
      { kind: 'refused', sopInstanceUid: B, code: 'stow.duplicate', reason: 0x0111 },
    ]);
  });

  it('an instance in both lists is looked up', async () => {
    answers(202, { ...stored(A), '00081198': failedWith(0x0110, A)['00081198'] });
    assert.equal((await store(A))[0]?.kind, 'unknown');
    archive = new Set([A]);
    assert.equal((await store(A))[0]?.kind, 'stored');
  });

  it('409, 400, 413 and 415 without lists are refusals, unless a query shows the instance', async () => {
    for (const [status, code] of [
      [409, 'stow.conflict'],
      [400, 'stow.bad-request'],
      [413, 'stow.too-large'],
      [415, 'stow.media-type'],
      [404, 'web.unexpected-status'],
    ] as const) {
      archive = new Set([A]);
      answers(status, 'no');
      assert.deepEqual(await store(A, B), [
        { kind: 'stored', sopInstanceUid: A, evidence: 'query' },
        { kind: 'refused', sopInstanceUid: B, code },
      ]);
    }
  });

  it('500 leaves it open: the same bytes have to go again', async () => {
    answers(500, 'Internal Server Error');
    assert.deepEqual(await store(A), [{ kind: 'unknown', sopInstanceUid: A, code: 'stow.server-error' }]);
  });

  it('503, 429, 401 and 403 mean that nothing was taken', async () => {
    answers(503, '', { 'retry-after': '120' });
    assert.deepEqual(await store(A), [
      { kind: 'unsent', sopInstanceUid: A, code: 'web.busy', retryAfterMs: 120_000 },
    ]);
    answers(429, '', { 'retry-after': 'soon' });
    assert.deepEqual(await store(A), [{ kind: 'unsent', sopInstanceUid: A, code: 'web.busy' }]);
    for (const status of [401, 403]) {
      answers(status);
      assert.deepEqual(await store(A), [{ kind: 'unsent', sopInstanceUid: A, code: 'web.unauthorized' }]);
    }
  });

  it('no answer, half of one, or one that never ends leaves it open, unless a query shows the instance', async () => {
    const behaviours: Record<string, (response: ServerResponse) => void> = {
      'connection closed': (response) => void response.socket?.destroy(),
      'no answer in time': () => {},
      'headers, then nothing': (response) => void response.writeHead(200).flushHeaders(),
      'body cut off': (response) => {
        response.writeHead(200, { 'content-length': '500' }).write('{"00081199":{"vr":"SQ"');
        setTimeout(() => response.socket?.destroy(), 20);
      },
      'a shorter body than it says': (response) =>
        void response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{}'),
      'no HTTP': (response) => void response.socket?.end('220 smtp ready\r\n'),
      'a body without end': (response) => {
        response.writeHead(200);
        const pour = (): void => {
          while (!response.destroyed && response.write(' '.repeat(65_536)));
        };
        response.on('drain', pour);
        pour();
      },
      'a body that drips': (response) => {
        response.writeHead(200);
        const drip = setInterval(() => response.write(' '), 50);
        response.on('close', () => clearInterval(drip));
      },
    };
    for (const [name, behave] of Object.entries(behaviours)) {
      archive = new Set([B]);
      toStore = (_request, response) => behave(response);
      const [first, second] = await storeWithin({ headers: 600, body: 600, total: 1500 }, [A, B]);
      assert.equal(first?.kind, 'unknown', name);
      assert.deepEqual(second, { kind: 'stored', sopInstanceUid: B, evidence: 'query' }, name);
    }
  });

  it('a redirect to another origin, or one that would turn it into a query, is not followed', async () => {
    const elsewhere = await startStandInPacs();
    for (const [status, location] of [
      [307, `${elsewhere.url}/studies/${STUDY}`],
      [302, `/dicom-web/studies/${STUDY}`],
      [308, 'http://169.254.169.254/latest'],
    ] as const) {
      answers(status, '', { location });
      assert.deepEqual(await store(A), [{ kind: 'unsent', sopInstanceUid: A, code: 'web.redirect-refused' }]);
    }
    assert.equal(elsewhere.seen.length, 0);
    await elsewhere.stop();
  });

  it('a redirect inside the origin that keeps the method is followed with the same bytes', async () => {
    toStore = (request, response) => {
      if (request.path === '/other') return sendJson(response, 200, stored(A));
      response.writeHead(308, { location: '/other' }).end();
    };
    assert.equal((await store(A))[0]?.kind, 'stored');
    const [first, second] = pacs.seen.filter(({ method }) => method === 'POST').slice(-2);
    assert.deepEqual(first?.body.length, second?.body.length);
  });

  it('without a server it is unsent', async () => {
    const port = await freePort();
    const client = createDicomWebClient({ name: 'pacs', url: `http://127.0.0.1:${port}/x` });
    assert.deepEqual(await client.storeInstances(STUDY, [instance(A)]), [
      { kind: 'unsent', sopInstanceUid: A, code: 'web.unreachable' },
    ]);
    await client.close();
  });
});

describe('failure reasons', () => {
  it('become the codes that decide whether it is sent again', () => {
    const codes = [0xa700, 0xa7ff, 0xa900, 0xc000, 0xc122, 0xcfff, 0x0110, 0x0111, 0x0122, 0x0124, undefined];
    assert.deepEqual(codes.map(reasonCode), [
      'stow.out-of-resources',
      'stow.out-of-resources',
      'stow.class-mismatch',
      'stow.cannot-understand',
      'stow.transfer-syntax',
      'stow.cannot-understand',
      'stow.processing-failure',
      'stow.duplicate',
      'stow.class-unsupported',
      'stow.refused',
      'stow.refused',
    ]);
  });
});
