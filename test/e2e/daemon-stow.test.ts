/** What becomes of results by what a PACS answers to STOW-RS (standards 4.4): a stand-in says what no real one does. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { identityOf } from '../../src/dicom/web/identity.ts';
import { writeStoreResponse } from '../../src/dicom/web/store-response.ts';
import { until } from '../peers/process.ts';
import { type Behaviour, type StandInPacs, sendJson, startStandInPacs } from '../peers/stand-in-pacs.ts';
import { film, startDaemon, studyOf, type TestDaemon } from './daemon.ts';

let pacs: StandInPacs;
let daemon: TestDaemon;
/** What a query shows. */
const archive = new Set<string>();
/** How the next store requests are answered; without, as a good PACS does. */
let next: Store[] = [];

type Store = (uid: string, ...parts: Parameters<Behaviour>) => void;

const stored = (uid: string, reason?: number) =>
  writeStoreResponse({
    stored: [{ sopInstanceUid: uid, ...(reason === undefined ? {} : { reason }) }],
    failed: [],
    otherFailures: [],
  });
const failed = (uid: string, reason: number) =>
  writeStoreResponse({ stored: [], failed: [{ sopInstanceUid: uid, reason }], otherFailures: [] });

/** The SOP Instance UID of the one part of a request. */
function uidOf(body: Buffer): string {
  const at = body.indexOf('\r\n\r\n') + 4;
  return identityOf(body.subarray(at)).sopInstanceUid;
}

const good: Store = (uid, _request, response) => {
  archive.add(uid);
  sendJson(response, 200, stored(uid));
};

before(async () => {
  pacs = await startStandInPacs();
  pacs.behave((request, response) => {
    if (request.method === 'POST') {
      const uid = uidOf(request.body);
      return (next.shift() ?? good)(uid, request, response);
    }
    const uid = request.query.get('SOPInstanceUID') ?? '';
    if (archive.has(uid)) return sendJson(response, 200, [{ '00080018': { vr: 'UI', Value: [uid] } }]);
    response.writeHead(204).end();
  });
  daemon = await startDaemon({
    config: { pacs: [{ name: 'archive', url: pacs.url, timeout: '1 s' }] },
  });
});

after(async () => {
  await daemon?.remove();
  await pacs?.stop();
});

async function pushed(seed: number, ...answers: readonly Store[]): Promise<string> {
  next = [...answers];
  const file = film(seed);
  const answer = await daemon.push(file);
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  return studyOf(file);
}

/** The first delivery of a study: its heat map, which met the answer. */
async function first(study: string) {
  const row = await daemon.study(study);
  return row?.deliveries[0];
}

const AGAIN: readonly { readonly what: string; readonly store: Store; readonly code: string }[] = [
  {
    what: '200 with a failure inside (A700)',
    store: (uid, _request, response) => sendJson(response, 200, failed(uid, 0xa700)),
    code: 'stow.out-of-resources',
  },
  {
    what: '200 with an empty object, and no query shows it',
    store: (_uid, _request, response) => sendJson(response, 200, {}),
    code: 'stow.unconfirmed',
  },
  {
    what: '200 with an empty body, and no query shows it',
    store: (_uid, _request, response) => void response.writeHead(200).end(),
    code: 'stow.unconfirmed',
  },
  {
    what: '200 that names another instance',
    store: (_uid, _request, response) => sendJson(response, 200, stored('2.25.1')),
    code: 'stow.unconfirmed',
  },
  {
    what: '500',
    store: (_uid, _request, response) => void response.writeHead(500).end('oops'),
    code: 'stow.server-error',
  },
  {
    what: '503',
    store: (_uid, _request, response) => void response.writeHead(503, { 'retry-after': '1' }).end(),
    code: 'web.busy',
  },
  {
    what: 'an answer that comes too late',
    store: (uid, _request, response) =>
      void setTimeout(() => sendJson(response, 200, stored(uid)), 3000).unref(),
    code: 'stow.no-answer',
  },
  {
    what: 'an answer that is cut off',
    store: (_uid, _request, response) => {
      response.writeHead(200, { 'content-type': 'application/dicom+json', 'content-length': '500' });
      response.write('[{"0008');
      setTimeout(() => response.destroy(), 50);
    },
    code: 'stow.unconfirmed',
  },
  {
    what: 'a connection that is closed without an answer',
    store: (_uid, _request, response) => void response.destroy(),
    code: 'stow.no-answer',
  },
];

for (const [index, { what, store, code }] of AGAIN.entries()) {
  test(`${what}: the same bytes go again`, async () => {
    const before = pacs.seen.length;
    const study = await pushed(601 + index, store);
    await daemon.reaches(study, 'delivered');
    const delivery = await first(study);
    assert.equal(delivery?.attempts, 2);
    const [once, again] = pacs.seen.slice(before).filter(({ method }) => method === 'POST');
    assert.ok(once !== undefined && again !== undefined);
    assert.deepEqual(contentOf(again.body), contentOf(once.body));
    const said = daemon.log.findLast(({ msg }) => msg === 'A delivery failed; it is tried again');
    assert.equal(said?.code, code);
  });
}

const SENT: readonly { readonly what: string; readonly store: Store }[] = [
  {
    what: '202 with a warning (coerced)',
    store: (uid, _request, response) => {
      archive.add(uid);
      sendJson(response, 202, stored(uid, 0xb000));
    },
  },
  {
    what: '200 with nothing, but a query shows it',
    store: (uid, _request, response) => {
      archive.add(uid);
      response.writeHead(200).end();
    },
  },
  {
    what: '409 duplicate, and a query shows it',
    store: (uid, _request, response) => {
      archive.add(uid);
      sendJson(response, 409, failed(uid, 0x0111));
    },
  },
  {
    what: '400 that names it as stored',
    store: (uid, _request, response) => {
      archive.add(uid);
      sendJson(response, 400, stored(uid));
    },
  },
];

for (const [index, { what, store }] of SENT.entries()) {
  test(`${what}: it counts as stored`, async () => {
    const study = await pushed(621 + index, store);
    await daemon.reaches(study, 'delivered');
    assert.equal((await first(study))?.attempts, 1);
  });
}

const PARKED: readonly { readonly what: string; readonly store: Store; readonly code: string }[] = [
  {
    what: '409 that refuses it (C000)',
    store: (uid, _request, response) => sendJson(response, 409, failed(uid, 0xc000)),
    code: 'stow.cannot-understand',
  },
  {
    what: '202 that refuses its SOP class (0122)',
    store: (uid, _request, response) => sendJson(response, 202, failed(uid, 0x0122)),
    code: 'stow.class-unsupported',
  },
  {
    what: '409 without a reason',
    store: (_uid, _request, response) => void response.writeHead(409).end(),
    code: 'stow.conflict',
  },
];

for (const [index, { what, store, code }] of PARKED.entries()) {
  test(`${what}: it is parked, the reports go on, and retry takes it up`, async () => {
    const study = await pushed(631 + index, store);
    await until('the reports are sent', async () => {
      const row = await daemon.study(study);
      return row?.deliveries.filter(({ state }) => state === 'sent').length === 2;
    });
    const delivery = await first(study);
    assert.equal(delivery?.state, 'parked');
    assert.equal(delivery?.lastFailure?.code, code);
    assert.equal((await daemon.study(study))?.state, 'reported');
    await daemon.api(`/api/studies/${study}/retry`, { body: {} });
    await daemon.reaches(study, 'delivered');
  });
}

test('heat maps are stored before the reports that point to them', async () => {
  const before = pacs.seen.length;
  const study = await pushed(641);
  await daemon.reaches(study, 'delivered');
  const classes = pacs.seen
    .slice(before)
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => identityOf(body.subarray(body.indexOf('\r\n\r\n') + 4)).sopClassUid);
  assert.deepEqual(classes, [
    '1.2.840.10008.5.1.4.1.1.7',
    '1.2.840.10008.5.1.4.1.1.88.33',
    '1.2.840.10008.5.1.4.1.1.88.34',
  ]);
});

/** A request's one part without the boundary, which is drawn anew each time. */
function contentOf(body: Buffer): Buffer {
  const from = body.indexOf('\r\n\r\n') + 4;
  return body.subarray(from, body.lastIndexOf('\r\n--'));
}
