import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Certificate, makeAuthority, type TestAuthority } from '../../../test/peers/certificates.ts';
import { type StandInPacs, sendJson, startStandInPacs } from '../../../test/peers/stand-in-pacs.ts';
import { phantomFile } from '../phantom/file.ts';
import { createDicomWebClient, type DicomWebClient } from './client.ts';
import type { DicomWebConfig } from './config.ts';
import { writeMultipart } from './multipart.ts';

const WINDOW = { from: '20260301', to: '20260304' };

function study(uid: string, date = '20260302', modalities: string[] | undefined = ['DX']) {
  return {
    '00080020': { vr: 'DA', Value: [date] },
    ...(modalities === undefined ? {} : { '00080061': { vr: 'CS', Value: modalities } }),
    '0020000D': { vr: 'UI', Value: [uid] },
  };
}

function using<Result>(
  config: Partial<DicomWebConfig> & { url: string },
  act: (client: DicomWebClient) => Promise<Result>,
): Promise<Result> {
  const client = createDicomWebClient({
    name: 'pacs',
    ...config,
  });
  return act(client).finally(() => client.close());
}

const uidsOf = (found: readonly { studyInstanceUid: string }[]): string[] =>
  found.map(({ studyInstanceUid }) => studyInstanceUid).sort();

describe('queries', () => {
  let pacs: StandInPacs;
  before(async () => {
    pacs = await startStandInPacs();
  });
  beforeEach(() => {
    pacs.seen.length = 0;
  });
  after(() => pacs.stop());

  const find = (more: Partial<DicomWebConfig> = {}): Promise<string[]> =>
    using({ url: pacs.url, pageSize: 4, ...more }, async (client) =>
      uidsOf(await client.searchStudies(WINDOW)),
    );

  it('ask for CR and DX by themselves, with each filter once', async () => {
    pacs.behave((_request, response) => void response.writeHead(204).end());
    assert.deepEqual(await find(), []);
    assert.deepEqual(
      pacs.seen.map(({ query }) => [query.getAll('ModalitiesInStudy'), query.getAll('StudyDate')]),
      [
        [['CR'], ['20260301-20260304']],
        [['DX'], ['20260301-20260304']],
      ],
    );
    assert.ok(pacs.seen.every(({ headers }) => headers.accept === 'application/dicom+json'));
  });

  it('take every way to say that nothing matches', async () => {
    for (const [status, body] of [
      [204, ''],
      [200, '[]'],
      [200, ''],
      [404, 'Not Found'],
    ] as const) {
      pacs.behave((_request, response) => void response.writeHead(status).end(body));
      assert.deepEqual(await find(), [], `${status} ${body}`);
    }
  });

  it('check every filter again: a server that ignores them gives nothing else', async () => {
    pacs.behave((_request, response) =>
      sendJson(response, 200, [
        study('2.25.1'),
        study('2.25.2', '20260228'),
        study('2.25.3', '20260302', ['CT']),
        study('2.25.4', ''),
        study('2.25.5', '2026.03.01', undefined),
        study('not a uid'),
        study('2.25.6', '20260304', ['US\\DX']),
        {},
      ]),
    );
    assert.deepEqual(await find(), ['2.25.1', '2.25.5', '2.25.6']);
  });

  describe('find all of 23 studies', () => {
    const all = Array.from({ length: 23 }, (_, index) => study(`2.25.${100 + index}`));
    const uids = uidsOf(all.map((row) => ({ studyInstanceUid: String(row['0020000D'].Value[0]) })));

    /** A server by how it cuts a page out of what matches. */
    function serve(page: (rows: typeof all, limit: number, offset: number) => typeof all): void {
      pacs.behave((request, response) => {
        const rows = request.query.get('ModalitiesInStudy') === 'DX' ? all : [];
        const asked = Number(request.query.get('limit'));
        const given = page(rows, asked, Number(request.query.get('offset')));
        if (given.length === 0) response.writeHead(204).end();
        else sendJson(response, 200, given);
      });
    }

    it('of a server that keeps to limit and offset', async () => {
      serve((rows, limit, offset) => rows.slice(offset, offset + limit));
      assert.deepEqual(await find(), uids);
    });

    it('of one that caps its pages without a word', async () => {
      serve((rows, limit, offset) => rows.slice(offset, offset + Math.min(limit, 3)));
      assert.deepEqual(await find({ pageSize: 100 }), uids);
    });

    it('of one that ignores limit and offset', async () => {
      serve((rows) => rows);
      assert.deepEqual(await find(), uids);
    });

    it('of one that counts skipped rows against the limit (Orthanc 1.10)', async () => {
      serve((rows, limit, offset) => rows.slice(offset, limit));
      assert.deepEqual(await find(), uids);
    });

    it('of one whose order changes with every page', async () => {
      let turn = 0;
      serve((rows, limit, offset) => {
        turn += 5;
        const turned = [...rows.slice(turn % rows.length), ...rows.slice(0, turn % rows.length)];
        return turned.slice(offset, offset + limit);
      });
      const notices: string[] = [];
      assert.deepEqual(await find({ onNotice: ({ code }) => notices.push(code) }), uids);
      assert.ok(notices.includes('order-unstable'));
    });

    it('of one that says 413 to more than a day, and 400 to includefield', async () => {
      pacs.behave((request, response) => {
        if (request.query.has('includefield')) return void response.writeHead(400).end();
        const range = request.query.get('StudyDate') ?? '';
        if (range.includes('-')) return void response.writeHead(413).end();
        const rows = request.query.get('ModalitiesInStudy') === 'DX' && range === '20260302' ? all : [];
        sendJson(response, 200, rows.slice(Number(request.query.get('offset'))));
      });
      assert.deepEqual(await find(), uids);
      assert.deepEqual(
        [...new Set(pacs.seen.map(({ query }) => query.get('StudyDate')))].filter(
          (range) => !range?.includes('-'),
        ),
        ['20260301', '20260302', '20260303', '20260304'],
      );
    });
  });

  it('end when a server never runs out of studies, before they take more memory than one answer may', async () => {
    let made = 0;
    pacs.behave((_request, response) => {
      const rows = Array.from({ length: 10 }, () => {
        made += 1;
        return { ...study(`2.25.9${made}`), '00081030': { vr: 'LO', Value: ['x'.repeat(10_000)] } };
      });
      sendJson(response, 200, rows);
    });
    const asked = pacs.seen.length;
    await assert.rejects(find({ pageSize: 10, limits: { document: 1_000_000 } }), {
      code: 'web.query-too-broad',
    });
    // The window of four days is halved twice, and each half of it given up after 2 MB.
    assert.ok(pacs.seen.length - asked < 100, `${pacs.seen.length - asked} pages`);
  });

  it('end with a code when a single day is too much, or the server wants nothing of it', async () => {
    for (const [status, code] of [
      [413, 'web.query-too-broad'],
      [400, 'web.bad-request'],
      [401, 'web.unauthorized'],
      [500, 'web.server-error'],
      [503, 'web.busy'],
      [302, 'web.redirect-refused'],
      [418, 'web.unexpected-status'],
    ] as const) {
      pacs.behave((_request, response) => void response.writeHead(status).end('<html>'));
      await assert.rejects(find(), { code }, `${status}`);
    }
  });

  it('end with a code when the answer is no DICOM JSON, cut off, too long, late or endless', async () => {
    const behaviours: [string, Parameters<StandInPacs['behave']>[0]][] = [
      ['web.answer-malformed', (_request, response) => void response.end('<html>login</html>')],
      [
        'web.cut-off',
        (_request, response) => {
          response.writeHead(200, { 'content-length': '100' }).write('[{');
          setTimeout(() => response.socket?.destroy(), 10);
        },
      ],
      ['web.cut-off', (_request, response) => void response.socket?.destroy()],
      ['web.timeout', () => {}],
      ['web.timeout', (_request, response) => void response.writeHead(200).write('[')],
      [
        'web.timeout',
        (_request, response) => {
          const drip = setInterval(() => response.write(' '), 50);
          response.on('close', () => clearInterval(drip));
        },
      ],
      [
        'web.answer-too-large',
        (_request, response) => {
          response.on('error', () => {}).end(`[${' '.repeat(200_000)}]`);
        },
      ],
      [
        'web.answer-too-large',
        (_request, response) => {
          response.socket?.end(`HTTP/1.1 200 OK\r\n${'X-Flood: y\r\n'.repeat(100_000)}\r\n[]`);
          response.socket?.on('error', () => {});
        },
      ],
    ];
    for (const [code, behave] of behaviours) {
      pacs.behave(behave);
      const timeouts = code === 'web.timeout' ? { headers: 500, body: 500, total: 1500 } : {};
      const config = { url: pacs.url, timeouts, limits: { document: 100_000 } };
      await assert.rejects(
        using(config, (client) => client.searchSeries('2.25.1')),
        { code },
      );
    }
  });

  it('find instances series by series where the server leaves the series out', async () => {
    pacs.behave((request, response) => {
      if (Number(request.query.get('offset')) > 0) return void response.writeHead(204).end();
      if (request.path.endsWith('/series')) {
        return sendJson(response, 200, [
          { '0020000E': { vr: 'UI', Value: ['2.25.1.5'] }, '00080060': { vr: 'CS', Value: ['DX'] } },
        ]);
      }
      sendJson(response, 200, [{ '00080018': { vr: 'UI', Value: ['2.25.1.5.1'] } }]);
    });
    const [found] = await using({ url: pacs.url }, (client) => client.searchInstances('2.25.1'));
    assert.deepEqual(
      [found?.seriesInstanceUid, found?.sopInstanceUid, found?.modality],
      ['2.25.1.5', '2.25.1.5.1', 'DX'],
    );
  });

  it('never put anything but a UID into a path', async () => {
    for (const uid of ['../../admin', '1.2?x=1', '', '1.2/series', '1'.repeat(65)]) {
      await assert.rejects(
        using({ url: pacs.url }, (client) => client.searchInstances(uid)),
        { code: 'web.bad-uid' },
      );
    }
    assert.equal(pacs.seen.length, 0);
  });
});

describe('retrieval', () => {
  let pacs: StandInPacs;
  const uids = { study: '2.25.1', series: '2.25.1.1', instance: '2.25.1.1.1' };
  const file = Buffer.from(phantomFile({ width: 64, height: 48, uids }));
  const reference = {
    studyInstanceUid: uids.study,
    seriesInstanceUid: uids.series,
    sopInstanceUid: uids.instance,
  };
  before(async () => {
    pacs = await startStandInPacs();
  });
  beforeEach(() => {
    pacs.seen.length = 0;
  });
  after(() => pacs.stop());

  async function multipart(bytes: Buffer) {
    const message = writeMultipart('application/dicom', [
      { contentType: 'application/dicom', size: bytes.length, open: () => [bytes] },
    ]);
    const pieces: Uint8Array[] = [];
    for await (const piece of message.stream()) pieces.push(piece);
    return { type: message.contentType, body: Buffer.concat(pieces) };
  }

  const retrieve = (more: Partial<DicomWebConfig> = {}) =>
    using({ url: pacs.url, ...more }, (client) => client.retrieveInstance(reference));

  it('asks for the film as it is stored, and takes it alone or in a multipart message', async () => {
    const { type, body } = await multipart(file);
    for (const [contentType, bytes] of [
      [type, body],
      ['application/dicom', file],
      ['application/octet-stream', file],
    ] as const) {
      pacs.behave(
        (_request, response) => void response.writeHead(200, { 'content-type': contentType }).end(bytes),
      );
      assert.deepEqual(Buffer.from((await retrieve()).bytes), file, contentType);
    }
    assert.equal(
      pacs.seen[0]?.headers.accept,
      'multipart/related; type="application/dicom"; transfer-syntax=*',
    );
    assert.equal(pacs.seen[0]?.path, '/dicom-web/studies/2.25.1/series/2.25.1.1/instances/2.25.1.1.1');
  });

  it('asks in other words after 406 or 400', async () => {
    for (const status of [406, 400]) {
      pacs.seen.length = 0;
      pacs.behave((request, response) => {
        if (request.headers.accept?.includes('*') === true) return void response.writeHead(status).end();
        response.writeHead(200, { 'content-type': 'application/dicom' }).end(file);
      });
      assert.equal((await retrieve()).size, file.length);
      assert.equal(pacs.seen.length, 2);
    }
    pacs.behave((_request, response) => void response.writeHead(406).end());
    await assert.rejects(retrieve(), { code: 'web.not-acceptable' });
  });

  it('refuses another instance than the asked one', async () => {
    for (const other of [
      { ...uids, instance: '2.25.1.1.2' },
      { ...uids, study: '2.25.2' },
      { ...uids, series: '2.25.1.2' },
    ]) {
      const bytes = Buffer.from(phantomFile({ width: 64, height: 48, uids: other }));
      pacs.behave(
        (_request, response) =>
          void response.writeHead(200, { 'content-type': 'application/dicom' }).end(bytes),
      );
      await assert.rejects(retrieve(), { code: 'web.wrong-instance' });
    }
  });

  it('refuses what is no film: HTML, junk, half a message, nothing, a part of one', async () => {
    const { type, body } = await multipart(file);
    for (const [status, contentType, bytes, code] of [
      [200, 'text/html', Buffer.from('<html>'), 'web.answer-malformed'],
      [200, 'application/dicom', Buffer.from('junk'), 'web.answer-malformed'],
      [200, 'application/dicom', Buffer.alloc(0), 'web.answer-malformed'],
      [200, type, body.subarray(0, -60), 'multipart.cut-off'],
      [200, type, Buffer.from(''), 'multipart.cut-off'],
      [200, 'multipart/related', body, 'web.answer-malformed'],
      [206, type, body, 'web.unexpected-status'],
      [404, 'text/plain', Buffer.from(''), 'web.not-found'],
      [410, 'text/plain', Buffer.from(''), 'web.not-found'],
      [503, 'text/plain', Buffer.from(''), 'web.busy'],
    ] as const) {
      pacs.behave(
        (_request, response) => void response.writeHead(status, { 'content-type': contentType }).end(bytes),
      );
      await assert.rejects(retrieve(), { code }, `${status} ${contentType} ${bytes.length}`);
    }
  });

  it('ends at its limit with a film that never ends, alone or in a part', async () => {
    for (const [contentType, code] of [
      ['application/dicom', 'web.answer-too-large'],
      ['multipart/related; type="application/dicom"; boundary=b', 'multipart.too-large'],
    ] as const) {
      pacs.behave((_request, response) => {
        response.on('error', () => {}).writeHead(200, { 'content-type': contentType });
        response.write('--b\r\n\r\n');
        const pour = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        };
        response.on('drain', pour);
        pour();
      });
      await assert.rejects(retrieve({ limits: { instance: 1_000_000 } }), { code });
    }
  });

  it('follows redirects inside the origin only, and not in circles', async () => {
    const elsewhere = await startStandInPacs();
    pacs.behave((request, response) => {
      if (request.path === '/moved')
        response.writeHead(200, { 'content-type': 'application/dicom' }).end(file);
      else response.writeHead(302, { location: '/moved' }).end();
    });
    assert.equal((await retrieve()).size, file.length);
    for (const location of [
      `${elsewhere.url}/x`,
      '//169.254.169.254/',
      'file:///etc/passwd',
      '/again',
      '::',
    ]) {
      pacs.behave((_request, response) => void response.writeHead(307, { location }).end());
      await assert.rejects(retrieve(), { code: 'web.redirect-refused' }, location);
    }
    assert.equal(elsewhere.seen.length, 0);
    await elsewhere.stop();
  });

  it('is sent again once when a kept connection turns out closed', async () => {
    let count = 0;
    pacs.behave((_request, response) => {
      count += 1;
      if (count === 2) response.socket?.destroy();
      else response.writeHead(200, { 'content-type': 'application/dicom' }).end(file);
    });
    await using({ url: pacs.url }, async (client) => {
      await client.retrieveInstance(reference);
      await client.retrieveInstance(reference);
    });
    assert.equal(count, 3);
  });
});

describe('who we are', () => {
  let pacs: StandInPacs;
  let folder: string;
  let wanted = '';
  before(async () => {
    pacs = await startStandInPacs();
    folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  });
  beforeEach(() => {
    pacs.seen.length = 0;
    pacs.behave((request, response) => {
      if (request.headers.authorization === wanted) sendJson(response, 200, []);
      else response.writeHead(401).end();
    });
  });
  after(async () => {
    await pacs.stop();
    await rm(folder, { recursive: true });
  });

  const authorizations = (): (string | undefined)[] => pacs.seen.map(({ headers }) => headers.authorization);

  it('user and password, in UTF-8', async () => {
    wanted = `Basic ${Buffer.from('jörg:pä:ss').toString('base64')}`;
    const auth = { kind: 'basic', username: 'jörg', password: 'pä:ss' } as const;
    await using({ url: pacs.url, auth }, (client) => client.check());
    assert.equal(pacs.seen.length, 1);
  });

  it('a token from a file, which is read again after 401, once', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'old-token\n');
    wanted = 'Bearer old-token';
    await using({ url: pacs.url, auth: { kind: 'bearer', tokenFile } }, async (client) => {
      await client.check();
      await writeFile(tokenFile, 'new-token\n');
      await client.check();
      wanted = 'Bearer new-token';
      await client.check();
      wanted = 'Bearer unknown';
      await assert.rejects(client.check(), { code: 'web.unauthorized' });
    });
    assert.deepEqual(authorizations(), [
      'Bearer old-token',
      'Bearer old-token',
      'Bearer old-token',
      'Bearer new-token',
      'Bearer new-token',
    ]);
  });

  it('a token file that is missing or holds no token is a failure of ours to say', async () => {
    const tokenFile = join(folder, 'broken');
    const check = () =>
      using({ url: pacs.url, auth: { kind: 'bearer', tokenFile } }, (client) => client.check());
    await assert.rejects(check(), { code: 'web.token-refused' });
    await writeFile(tokenFile, 'two\r\nX-Injected: lines');
    await assert.rejects(check(), { code: 'web.token-refused' });
    assert.equal(pacs.seen.length, 0);
  });

  describe('OAuth2 client credentials', () => {
    let tokens: StandInPacs;
    let issued = 0;
    let life: unknown = 3600;
    before(async () => {
      tokens = await startStandInPacs();
    });
    beforeEach(() => {
      issued = 0;
      life = 3600;
      tokens.seen.length = 0;
      tokens.behave((_request, response) => {
        issued += 1;
        sendJson(response, 200, { access_token: `t${issued}`, token_type: 'Bearer', expires_in: life });
      });
    });
    after(() => tokens.stop());

    const auth = () =>
      ({
        kind: 'oauth2',
        tokenUrl: `${tokens.url}/token`,
        clientId: 'deep health',
        clientSecret: 's&cret',
        scope: 'dicom',
      }) as const;

    it('one token serves many requests, also at the same time', async () => {
      wanted = 'Bearer t1';
      await using({ url: pacs.url, auth: auth() }, (client) =>
        Promise.all(Array.from({ length: 10 }, () => client.check())),
      );
      assert.equal(issued, 1);
      const [request] = tokens.seen;
      assert.equal(request?.body.toString(), 'grant_type=client_credentials&scope=dicom');
      assert.equal(
        Buffer.from(request?.headers.authorization?.slice(6) ?? '', 'base64').toString(),
        'deep%20health:s%26cret',
      );
    });

    it('is fetched anew near its end, and once after 401', async () => {
      wanted = 'Bearer t1';
      life = 10;
      await using({ url: pacs.url, auth: auth() }, async (client) => {
        await client.check();
        wanted = 'Bearer t2';
        await client.check();
        life = 3600;
        wanted = 'Bearer t4';
        await client.check();
        wanted = 'none';
        await assert.rejects(client.check(), { code: 'web.unauthorized' });
      });
      assert.equal(issued, 5);
    });

    it('a refused, odd or missing answer is a code of its own', async () => {
      for (const [status, body] of [
        [401, '{"error":"invalid_client"}'],
        [200, '{}'],
        [200, 'null'],
        [200, '<html>'],
        [200, '{"access_token":"a b"}'],
        [200, '{"access_token":"x","token_type":"mac"}'],
        [200, `{"access_token":"${'x'.repeat(100_000)}"}`],
        [302, ''],
      ] as const) {
        tokens.behave((_request, response) => void response.writeHead(status).end(body));
        await assert.rejects(
          using({ url: pacs.url, auth: auth() }, (client) => client.check()),
          { code: 'web.token-refused' },
          body.slice(0, 40),
        );
      }
      assert.equal(pacs.seen.length, 0);
    });
  });

  describe('over TLS', () => {
    let authority: TestAuthority;
    let ours: Certificate;
    let secure: StandInPacs;
    before(async () => {
      authority = await makeAuthority();
      const server = await authority.issue('pacs');
      ours = await authority.issue('deep-health');
      secure = await startStandInPacs({
        cert: server.cert,
        key: server.key,
        ca: authority.cert,
        requestCert: true,
        rejectUnauthorized: true,
      });
      secure.behave((_request, response) => sendJson(response, 200, []));
    });
    beforeEach(() => {
      secure.seen.length = 0;
    });
    after(async () => {
      await secure.stop();
      await authority.remove();
    });

    const check = (tls: DicomWebConfig['tls'], notices: string[] = []) =>
      using(
        {
          url: secure.url,
          ...(tls === undefined ? {} : { tls }),
          onNotice: ({ code }) => notices.push(code),
        },
        (client) => client.check(),
      );

    it('with our certificate and the right authority', async () => {
      await check({ ca: authority.cert, cert: ours.cert, key: ours.key });
    });

    it('an unknown authority, another name, or no certificate of ours is refused', async () => {
      const own = { cert: ours.cert, key: ours.key };
      await assert.rejects(check(undefined), { code: 'web.tls' });
      await assert.rejects(check({ ...own, ca: authority.cert, serverName: 'other.example' }), {
        code: 'web.tls',
      });
      // With TLS 1.3 the server's alert comes after the handshake, and may be lost with the connection.
      await assert.rejects(check({ ca: authority.cert }), { code: /^web\.(tls|cut-off)$/ });
      assert.equal(secure.seen.length, 0);
    });

    it('the dangerous switch takes any certificate and says so', async () => {
      const notices: string[] = [];
      await check({ cert: ours.cert, key: ours.key, dangerouslyAcceptAnyCertificate: true }, notices);
      assert.deepEqual(notices, ['unchecked-certificate']);
    });

    it('TLS 1.1 is refused', async () => {
      const server = await authority.issue('old');
      const old = await startStandInPacs({
        cert: server.cert,
        key: server.key,
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      await assert.rejects(
        using({ url: old.url, tls: { ca: authority.cert } }, (client) => client.check()),
        { code: 'web.tls' },
      );
      await old.stop();
    });
  });
});
